/** Where the versions of models are kept. Nobody else changes what lies there. */
@NullMarked
package dev.lethe.server.modelstore;

import org.jspecify.annotations.NullMarked;
