package dev.lethe.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.runtime.CudaOptions.ArenaGrowth;
import dev.lethe.models.runtime.CudaOptions.ConvSearch;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExecutionDeviceTest {

  @Test
  void devicesHaveATextForm() {
    assertSame(ExecutionDevice.CPU, ExecutionDevice.parse("CPU"));
    assertEquals(new ExecutionDevice.Cuda(0), ExecutionDevice.parse("cuda"));
    assertEquals(new ExecutionDevice.Cuda(1), ExecutionDevice.parse(" Cuda:1 "));
  }

  @Test
  void optionsFollowInAnyOrder() {
    assertEquals(
        new ExecutionDevice.Cuda(new CudaOptions(2, 4096, ArenaGrowth.EXACT, ConvSearch.EXHAUSTIVE, false), true),
        ExecutionDevice.parse("cuda:2, fallback=cpu, TF32=false, conv-search=exhaustive, arena = exact,"
            + " memory-limit=4096"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "cuda:0", "cuda:3,memory-limit=512", "cuda:0,arena=exact,conv-search=default",
      "cuda:1,tf32=false,fallback=cpu"})
  void whatIsWrittenIsReadAgain(String text) {
    assertEquals(text, ExecutionDevice.parse(text).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:12345", "cpu,fallback=cpu", "cuda,",
      "cuda:0,tf32"})
  void otherTextsAreRefused(String text) {
    assertThrows(InvalidDeviceException.class, () -> ExecutionDevice.parse(text));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "tpu                          | unknown device \"tpu\": use cpu, cuda or cuda:ID",
      "cuda:0,memory-limit=1048577  | memory-limit is \"1048577\"; it must be a whole number of MiB from 0 (no limit)"
          + " to 1048576",
      "cuda:0,memory-limit=-1       | memory-limit is \"-1\"; it must be a whole number of MiB from 0 (no limit)"
          + " to 1048576",
      "cuda:0,arena=huge            | arena is \"huge\"; it must be one of power-of-two, exact",
      "cuda:0,conv-search=fast      | conv-search is \"fast\"; it must be one of heuristic, exhaustive, default",
      "cuda:0,tf32=1                | tf32 is \"1\"; it must be true or false",
      "cuda:0,fallback=yes          | fallback is \"yes\"; it must be cpu or none",
      "cuda:0,tf32=true,tf32=false  | tf32 is there twice",
      "cuda:0,graphs=true           | graphs cannot be had: CUDA graphs need inputs bound to GPU memory, which ONNX"
          + " Runtime's Java API does not offer"})
  void aMistakeIsTold(String text, String mistake) {
    assertEquals(List.of(mistake),
        assertThrows(InvalidDeviceException.class, () -> ExecutionDevice.parse(text)).mistakes());
  }

  @Test
  void allMistakesAreToldAtOnce() {
    InvalidDeviceException e = assertThrows(InvalidDeviceException.class,
        () -> ExecutionDevice.parse("cuda:0,arena=huge,tf32=maybe,colour=red"));
    assertEquals(3, e.mistakes().size(), e.getMessage());
  }

  @Test
  void optionsGoByTheNamesOfTheProvider() {
    assertEquals(Map.of("gpu_mem_limit", "8589934592", "arena_extend_strategy", "kSameAsRequested",
        "cudnn_conv_algo_search", "EXHAUSTIVE", "use_tf32", "0"),
        new CudaOptions(1, 8192, ArenaGrowth.EXACT, ConvSearch.EXHAUSTIVE, false).providerOptions());
    assertEquals(Map.of("arena_extend_strategy", "kNextPowerOfTwo", "cudnn_conv_algo_search", "HEURISTIC",
        "use_tf32", "1"), CudaOptions.of(0).providerOptions());
  }
}
