/** Where training runs, as the command lines ask for it. */
package dev.lethe.trainer.device;
