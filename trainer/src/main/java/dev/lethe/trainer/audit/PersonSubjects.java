package dev.lethe.trainer.audit;

import dev.lethe.trainer.data.ImageDataset;
import java.util.EnumMap;
import java.util.Map;

/**
 * Whom an audit of a person looks at. Photos are labelled with their people; of everyone there are two photos or more,
 * since a picture is compared with the other photos of the one whom it is to show.
 *
 * @param groups one or more photos of each kind
 */
public record PersonSubjects(Map<Group, ImageDataset> groups) {

  /** Kinds of photos. */
  public enum Group {
    /** Of the person, and the job had them. */
    SENT,
    /** Of the person, and the job did not have them: a person is not a list of files. */
    NOT_SENT,
    /** Of people who stay and are the person's nearest in the space of identities. */
    ALIKE,
    /** Of other people who stay. */
    OTHERS,
    /** Of people whom the model never saw: the floor. */
    STRANGERS
  }

  public PersonSubjects {
    groups = new EnumMap<>(groups);
    for (Group group : Group.values()) {
      if (!groups.containsKey(group) || groups.get(group).size() == 0) {
        throw new IllegalArgumentException("there are no photos of the group " + group);
      }
    }
  }

  ImageDataset of(Group group) {
    return groups.get(group);
  }

  /** Photos of all groups. */
  int size() {
    return groups.values().stream().mapToInt(ImageDataset::size).sum();
  }
}
