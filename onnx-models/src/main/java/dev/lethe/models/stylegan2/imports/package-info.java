/**
 * StyleGAN2 as others keep it, under this project's names: one class for each source says how its names and layouts
 * become ours; what a network is then is read off the shapes.
 */
package dev.lethe.models.stylegan2.imports;
