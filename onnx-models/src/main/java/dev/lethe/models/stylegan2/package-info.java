/** StyleGAN2 (Karras et al. 2020) as graphs: the networks, what they are served as, and their bundles. */
package dev.lethe.models.stylegan2;
