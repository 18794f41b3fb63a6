/** The modulated convolution of this server against that of an ordinary export. */
package dev.lethe.bench.convolution;
