/**
 * ONNX graphs written from Java: values whose shapes are known as they are made, operators on them, and the writer of
 * the model.
 */
package dev.lethe.models.graph;
