/**
 * Training sessions of ONNX Runtime: the files that a session is made of, written from Java, and the session itself.
 */
package dev.lethe.trainer.session;
