package dev.lethe.client.cli;

import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.ProtocolMessageEnum;
import dev.lethe.v1.BadImages;
import dev.lethe.v1.ImageFit;
import dev.lethe.v1.NoiseMode;
import dev.lethe.v1.ProjectionSpace;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnMode;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

/**
 * The values of a protocol enumeration as options: UNLEARN_MODE_FEW_SHOT of UnlearnMode is {@code few-shot}. Values
 * that the protocol gains are options without more code.
 */
final class ProtoNames {

  private ProtoNames() {}

  /** For the help text of an option of this type. */
  static final class Kinds extends Candidates {
    Kinds() {
      super(UnlearnKind.getDescriptor());
    }
  }

  /** For the help text of an option of this type. */
  static final class Recipes extends Candidates {
    Recipes() {
      super(Recipe.getDescriptor());
    }
  }

  /** For the help text of an option of this type. */
  static final class Modes extends Candidates {
    Modes() {
      super(UnlearnMode.getDescriptor());
    }
  }

  /** For the help text of an option of this type. */
  static final class Substitutes extends Candidates {
    Substitutes() {
      super(SubstituteKind.getDescriptor());
    }
  }

  /** For the help text of an option of this type. */
  static final class Fits extends Candidates {
    Fits() {
      super(ImageFit.getDescriptor());
    }
  }

  /** For the help text of an option of this type. */
  static final class NoiseModes extends Candidates {
    NoiseModes() {
      super(NoiseMode.getDescriptor());
    }
  }

  /** For the help text of an option of this type. */
  static final class Spaces extends Candidates {
    Spaces() {
      super(ProjectionSpace.getDescriptor());
    }
  }

  /** For the help text of an option of this type. */
  static final class BadImagesActions extends Candidates {
    BadImagesActions() {
      super(BadImages.getDescriptor());
    }
  }

  private abstract static class Candidates implements Iterable<String> {
    private final EnumDescriptor type;

    Candidates(EnumDescriptor type) {
      this.type = type;
    }

    @Override
    public Iterator<String> iterator() {
      return of(type).iterator();
    }
  }

  /** Lets a command line read options of these types. */
  static void register(CommandLine commands) {
    commands.registerConverter(UnlearnKind.class, text -> parse(UnlearnKind.values(), text));
    commands.registerConverter(Recipe.class, text -> parse(Recipe.values(), text));
    commands.registerConverter(UnlearnMode.class, text -> parse(UnlearnMode.values(), text));
    commands.registerConverter(SubstituteKind.class, text -> parse(SubstituteKind.values(), text));
    commands.registerConverter(ImageFit.class, text -> parse(ImageFit.values(), text));
    commands.registerConverter(NoiseMode.class, text -> parse(NoiseMode.values(), text));
    // w+ is what the papers call it.
    commands.registerConverter(ProjectionSpace.class,
        text -> parse(ProjectionSpace.values(), text.equalsIgnoreCase("w+") ? "w-plus" : text));
    commands.registerConverter(BadImages.class, text -> parse(BadImages.values(), text));
    commands.registerConverter(UnlearnCommand.Color.class, UnlearnCommand.Color::parse);
    commands.registerConverter(UnlearnCommand.FakeLabel.class, UnlearnCommand.FakeLabel::parse);
  }

  /** The names of all values but the unspecified one. */
  static List<String> of(EnumDescriptor type) {
    return type.getValues().stream().filter(value -> value.getNumber() != 0).map(ProtoNames::name).toList();
  }

  /**
   * @param values all values of the type
   * @throws TypeConversionException naming the values there are
   */
  static <E extends Enum<E> & ProtocolMessageEnum> E parse(E[] values, String text) {
    EnumDescriptor type = values[0].getDescriptorForType();
    for (EnumValueDescriptor value : type.getValues()) {
      if (value.getNumber() != 0 && name(value).equalsIgnoreCase(text)) {
        // Java's values are in the order of the protocol's, with UNRECOGNIZED after them.
        return values[value.getIndex()];
      }
    }
    throw new TypeConversionException("'" + text + "' is none of " + String.join(", ", of(type)));
  }

  private static String name(EnumValueDescriptor value) {
    // UnlearnMode -> UNLEARN_MODE_, the prefix of its values.
    String prefix = value.getType().getName().replaceAll("(?<=[a-z])(?=[A-Z])", "_").toUpperCase(Locale.ROOT) + "_";
    return value.getName().substring(prefix.length()).toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
