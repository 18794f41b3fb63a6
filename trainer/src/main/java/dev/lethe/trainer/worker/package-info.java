/** The process that carries out a job of the server. */
package dev.lethe.trainer.worker;
