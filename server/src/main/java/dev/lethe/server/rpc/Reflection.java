package dev.lethe.server.rpc;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import io.grpc.Status.Code;
import io.grpc.protobuf.ProtoServiceDescriptorSupplier;
import io.grpc.reflection.v1.ErrorResponse;
import io.grpc.reflection.v1.ExtensionNumberResponse;
import io.grpc.reflection.v1.FileDescriptorResponse;
import io.grpc.reflection.v1.ListServiceResponse;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.vertx.core.Future;
import io.vertx.grpc.server.Service;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * {@code grpc.reflection.v1}: what this server's services and messages are. Vert.x's own module ends the stream after
 * the first answer, where clients ask several questions on one stream, and does not find enums.
 */
public final class Reflection {

  private final Set<String> services = new TreeSet<>();
  private final Map<String, FileDescriptor> files = new LinkedHashMap<>();
  private final Map<String, FileDescriptor> symbols = new LinkedHashMap<>();

  /** @param described the services that it tells of, beside itself */
  public Reflection(List<Service> described) {
    described.forEach(service -> add(service.descriptor()));
    add(((ProtoServiceDescriptorSupplier) ServerReflectionGrpc.getServiceDescriptor().getSchemaDescriptor())
        .getServiceDescriptor());
  }

  private void add(ServiceDescriptor service) {
    services.add(service.getFullName());
    add(service.getFile());
  }

  private void add(FileDescriptor file) {
    if (files.putIfAbsent(file.getName(), file) != null) {
      return;
    }
    for (ServiceDescriptor service : file.getServices()) {
      symbols.put(service.getFullName(), file);
      for (MethodDescriptor method : service.getMethods()) {
        symbols.put(method.getFullName(), file);
      }
    }
    file.getMessageTypes().forEach(this::add);
    file.getEnumTypes().forEach(this::add);
    file.getDependencies().forEach(this::add);
  }

  private void add(Descriptor message) {
    symbols.put(message.getFullName(), message.getFile());
    message.getFields().forEach(field -> symbols.put(field.getFullName(), message.getFile()));
    message.getEnumTypes().forEach(this::add);
    message.getNestedTypes().forEach(this::add);
  }

  private void add(EnumDescriptor type) {
    symbols.put(type.getFullName(), type.getFile());
    type.getValues().forEach(value -> symbols.put(value.getFullName(), type.getFile()));
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(ServerReflectionGrpc.getServiceDescriptor(), settings)
        .streaming(ServerReflectionGrpc.getServerReflectionInfoMethod(), Answers::new)
        .build();
  }

  private ServerReflectionResponse answer(ServerReflectionRequest request) {
    ServerReflectionResponse.Builder answer = ServerReflectionResponse.newBuilder()
        .setValidHost(request.getHost())
        .setOriginalRequest(request);
    switch (request.getMessageRequestCase()) {
      case LIST_SERVICES -> {
        ListServiceResponse.Builder list = ListServiceResponse.newBuilder();
        services.forEach(name -> list.addService(ServiceResponse.newBuilder().setName(name)));
        answer.setListServicesResponse(list);
      }
      case FILE_BY_FILENAME -> file(answer, files.get(request.getFileByFilename()), request.getFileByFilename());
      case FILE_CONTAINING_SYMBOL ->
          file(answer, symbols.get(request.getFileContainingSymbol()), request.getFileContainingSymbol());
      case ALL_EXTENSION_NUMBERS_OF_TYPE -> {
        // No file of these services extends a message.
        String type = request.getAllExtensionNumbersOfType();
        if (symbols.containsKey(type)) {
          answer.setAllExtensionNumbersResponse(ExtensionNumberResponse.newBuilder().setBaseTypeName(type));
        } else {
          error(answer, Code.NOT_FOUND, "there is no type " + type);
        }
      }
      case FILE_CONTAINING_EXTENSION -> error(answer, Code.NOT_FOUND,
          "there is no extension of " + request.getFileContainingExtension().getContainingType());
      default -> error(answer, Code.INVALID_ARGUMENT, "message_request is not set");
    }
    return answer.build();
  }

  private static void file(ServerReflectionResponse.Builder answer, FileDescriptor file, String name) {
    if (file == null) {
      error(answer, Code.NOT_FOUND, "there is no " + name);
      return;
    }
    Set<FileDescriptor> needed = new LinkedHashSet<>();
    withDependencies(file, needed);
    FileDescriptorResponse.Builder all = FileDescriptorResponse.newBuilder();
    needed.forEach(each -> all.addFileDescriptorProto(each.toProto().toByteString()));
    answer.setFileDescriptorResponse(all);
  }

  private static void withDependencies(FileDescriptor file, Set<FileDescriptor> found) {
    if (found.add(file)) {
      file.getDependencies().forEach(dependency -> withDependencies(dependency, found));
    }
  }

  private static void error(ServerReflectionResponse.Builder answer, Code code, String message) {
    answer.setErrorResponse(ErrorResponse.newBuilder().setErrorCode(code.value()).setErrorMessage(message));
  }

  private final class Answers implements Sink<ServerReflectionRequest> {

    private final Call<ServerReflectionResponse> call;

    Answers(Call<ServerReflectionResponse> call) {
      this.call = call;
    }

    @Override
    public Future<Void> message(ServerReflectionRequest request) {
      call.send(answer(request));
      return Future.succeededFuture();
    }

    @Override
    public void end() {
      call.finish();
    }

    @Override
    public void abandoned() {
      // Nothing is held for a call.
    }
  }
}
