package dev.lethe.models.image;

import java.io.IOException;

/** The bytes are no image that can be taken; the message names what is wrong and, where there is one, the limit. */
public final class InvalidImageException extends IOException {

  private static final long serialVersionUID = 1;

  InvalidImageException(String message) {
    super(message);
  }

  InvalidImageException(String message, Throwable cause) {
    super(message, cause);
  }
}
