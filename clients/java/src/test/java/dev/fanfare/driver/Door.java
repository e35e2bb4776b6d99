package dev.fanfare.driver;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.fanfare.client.Payloads;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** The runner's door, through which a scenario gets its node. */
record Door(String address, HttpClient http) {
  /** A node behind the door. */
  record Node(Door door, String path, String address) {
    Value control(String operation, Value step) throws IOException, InterruptedException {
      return door.ask("POST", path + "/" + operation, Payloads.toJson(step));
    }

    void end() throws IOException, InterruptedException {
      door.ask("DELETE", path, "");
    }
  }

  Door(String address) {
    this(address, HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build());
  }

  Node node(Value settings) throws IOException, InterruptedException {
    Struct made = ask("POST", "/nodes", Payloads.toJson(settings)).getStructValue();
    String path = "/nodes/" + made.getFieldsOrThrow("id").getStringValue();
    return new Node(this, path, made.getFieldsOrThrow("address").getStringValue());
  }

  private Value ask(String method, String path, String body)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(address + path))
            .method(method, BodyPublishers.ofString(body))
            .build();
    HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException("the door: " + response.body());
    }
    return response.body().isEmpty() ? Json.NULL : Json.parse(response.body());
  }
}
