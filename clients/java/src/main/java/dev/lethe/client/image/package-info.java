/** Images for the client: files to send, pictures to show. */
package dev.lethe.client.image;
