package dev.lethe.server.registry;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.errors.DomainException.Precondition;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Classes of a version by what clients call them. */
public final class ClassLabels {

  private static final Pattern INDEX = Pattern.compile("\\d{1,9}");

  private ClassLabels() {}

  /**
   * The index of a class of a conditional model.
   *
   * @param label its name, or its index in decimal
   * @param field the field that holds it, for errors
   * @throws DomainException Invalid for an unknown label, Precondition for one that this
   *     version has unlearned
   */
  public static int index(ModelCard card, String label, String field) {
    int index = card.labels().indexOf(label);
    if (index < 0 && INDEX.matcher(label).matches()) {
      index = Integer.parseInt(label);
    }
    return checked(card, index, "\"" + abbreviate(label) + "\"", field);
  }

  /** Whether a text is a class's name, or has the form of an index. */
  public static boolean isLabel(ModelCard card, String label) {
    return card.labels().contains(label) || INDEX.matcher(label).matches();
  }

  /** The same for a class by its index alone, which may be another class's name. */
  public static int index(ModelCard card, long index, String field) {
    return checked(card, index, Long.toString(index), field);
  }

  private static int checked(ModelCard card, long asked, String text, String field) {
    if (asked < 0 || asked >= card.labels().size()) {
      throw new Invalid(field + ": model " + card.name() + " has no class " + text
          + "; its classes are " + card.labels() + ", or by index 0 to " + (card.labels().size() - 1));
    }
    int index = (int) asked;
    String name = card.labels().get(index);
    if (card.unlearnedLabels().containsKey(name)) {
      throw new Precondition(field + ": version " + card.unlearnedLabels().get(name) + " of "
          + card.name() + " has unlearned class \"" + name + "\"; the classes that are left are "
          + kept(card).stream().map(card.labels()::get).toList());
    }
    return index;
  }

  /** Indices of the classes that are not unlearned, in order. */
  public static List<Integer> kept(ModelCard card) {
    return IntStream.range(0, card.labels().size())
        .filter(i -> !card.unlearnedLabels().containsKey(card.labels().get(i)))
        .boxed().toList();
  }

  /** Not more of a client's text than an error needs. */
  public static String abbreviate(String text) {
    return text.length() <= 64 ? text : text.substring(0, 64) + "...";
  }
}
