/**
 * Files that people keep networks in: pickles, those of {@code torch.save} in both of its forms, and safetensors, read
 * without Python into a {@link dev.lethe.models.checkpoint.Tree} of names, plain values and tensors. Nothing that a
 * file says is executed: a pickle is taken for what it is, a program for a machine that builds objects, and the machine
 * here knows a fixed list of them. Memory stays in proportion to the file.
 */
package dev.lethe.models.checkpoint;
