/**
 * Training sessions of ONNX Runtime: the files that a session is made of, written from Java, and the session itself.
 */
@NullMarked
package dev.lethe.trainer.session;

import org.jspecify.annotations.NullMarked;
