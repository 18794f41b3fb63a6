/** {@code lethe demo}: the whole job on the shipped model, against a server of its own. */
package dev.lethe.client.demo;
