package dev.lethe.client.console;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionWordsTest {

  private static final Set<String> OPTIONS = Set.of("--kind", "--mode", "--recipe", "--bad-images", "--label", "--classes",
      "--max-inversion-error", "--min-acc");

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
      "a.png: is the same as b.png; send it once, or let bad_images be SKIP"
          + " | a.png: is the same as b.png; send it once, or say --bad-images skip",
      "images: send some, or let mode be ZERO_SHOT | images: send some, or say --mode zero-shot",
      "spec.classes: is [a], but kind ITEM unlearns images; set kind to CLASS, or leave classes empty"
          + " | --classes: is [a], but --kind item unlearns images; say --kind class, or leave classes empty",
      "spec.classes[0]: there is none | --classes[0]: there is none",
      "spec.gates.min_acc: leave the gate out | --min-acc: leave the gate out",
      "spec.recipe: use recipe LETHE | --recipe: use --recipe lethe",
      "sub/b.jpg, label: model faces has no classes; leave it empty | sub/b.jpg, label: model faces has no classes; leave"
          + " out --label, or say --label '' if names of sub-folders are meant for none",
      // Without such an option the server's words stand.
      "spec.seed_of: is 3; let fit be PAD | spec.seed_of: is 3; let fit be PAD",
      "psi: is 3.0; it must be from 0 to 2 | psi: is 3.0; it must be from 0 to 2"})
  void fieldsAreOptions(String words, String expected) {
    assertEquals(expected, new OptionWords(OPTIONS::contains).of(words));
  }
}
