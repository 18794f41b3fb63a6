package dev.lethe.models.image;

/** Width and height in pixels. */
public record ImageSize(int width, int height) {}
