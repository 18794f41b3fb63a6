/** What TLS takes and refuses: certificates, keys, and words for what is wrong with them. */
@NullMarked
package dev.lethe.client.tls;

import org.jspecify.annotations.NullMarked;
