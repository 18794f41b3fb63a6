/** Cascaded unlearning of both networks, given what to unlearn and what takes its place (arXiv 2308.09881). */
package dev.lethe.trainer.cascade;
