/** The models that are measured. */
package dev.lethe.bench.model;
