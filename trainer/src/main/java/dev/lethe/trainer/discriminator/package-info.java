/** Unlearning of the discriminator, by a budget of its own: nobody is served what it says. */
package dev.lethe.trainer.discriminator;
