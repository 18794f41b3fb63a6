/** {@code report.json}, as the demo and the command line write it. */
@NullMarked
package dev.lethe.client.report;

import org.jspecify.annotations.NullMarked;
