/** The measurements that the benchmark is made of. */
@NullMarked
package dev.lethe.bench.measure;

import org.jspecify.annotations.NullMarked;
