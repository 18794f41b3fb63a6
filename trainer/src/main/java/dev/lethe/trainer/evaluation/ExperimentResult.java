package dev.lethe.trainer.evaluation;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Map;

/**
 * What a run gave.
 *
 * @param figures by the names that report.json has for them, in the order of {@link Figures}
 * @param reasons why it is not forgotten; empty where it is
 * @param notes of the run
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record ExperimentResult(Experiment experiment, boolean forgotten, Map<String, Double> figures, List<String> reasons,
    List<String> notes, String date, String machine) {}
