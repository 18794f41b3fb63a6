/**
 * What a job is, apart from how it is carried out: the phases that it goes through, as a state machine that knows no
 * clock, disk or process, and {@link dev.lethe.server.jobs.JobStore}, where jobs are kept.
 */
@NullMarked
package dev.lethe.server.jobs;

import org.jspecify.annotations.NullMarked;
