package dev.lethe.trainer.audit;

import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;

/**
 * How hard an audit looks.
 *
 * @param starts random latents of an image's class from which an attack starts at the nearest
 * @param steps gradient steps of an attack
 * @param staying most members that stay, to see what else moved
 * @param neverSeen most images that the model never saw, to compare with
 * @param wPlus whether latents are looked for in W+ as well
 * @param samples images generated for the Fréchet distance
 * @param nearest images generated to find the nearest of them to each image; 0: it is not looked for
 * @param relearning steps of attackers who fine-tune the generator; 0: there are none
 */
public record AuditOptions(int starts, int steps, int staying, int neverSeen, boolean wPlus, int samples, int nearest,
    int relearning) {

  /** What every job does. */
  public static final AuditOptions QUICK = new AuditOptions(300, 60, 48, 100, false, 5_000, 5_000);
  /** What an evaluation does. */
  public static final AuditOptions FULL = new AuditOptions(600, 100, 64, 128, true, 10_000, 20_000, 100);

  private static final double LEARNING_RATE = 0.1;

  /** With nobody who fine-tunes. */
  public AuditOptions(int starts, int steps, int staying, int neverSeen, boolean wPlus, int samples, int nearest) {
    this(starts, steps, staying, neverSeen, wPlus, samples, nearest, 0);
  }

  /** The same in W alone. */
  public AuditOptions inW() {
    return new AuditOptions(starts, steps, staying, neverSeen, false, samples, nearest, relearning);
  }

  /** By pixels alone: the attacker need not have the feature network that the loop learned with. */
  InversionOptions attack(LatentSpace space) {
    return new InversionOptions(space, starts, 1, steps, LEARNING_RATE, 0);
  }
}
