/**
 * Data sets of images: {@link dev.lethe.trainer.data.Datasets#open} reads IDX files, CIFAR-10's binary files, and
 * folders or zips of images into one form, {@link dev.lethe.trainer.data.ImageDataset}.
 */
package dev.lethe.trainer.data;
