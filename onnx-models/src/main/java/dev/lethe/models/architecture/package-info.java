/** Families of networks, by what others need to know of them; {@code stylegan2} is one. */
@NullMarked
package dev.lethe.models.architecture;

import org.jspecify.annotations.NullMarked;
