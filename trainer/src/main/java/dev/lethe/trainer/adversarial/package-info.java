/** Training of a generator against a discriminator on a data set (Karras et al. 2020). */
package dev.lethe.trainer.adversarial;
