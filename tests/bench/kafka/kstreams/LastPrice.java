import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams beside us: JSON ticks keyed by symbol, one put into an in-memory store a tick. */
public final class LastPrice {
  private static final ObjectMapper JSON = new ObjectMapper();

  public record Tick(String symbol, double price, long size, String exchange, long ts_ns) {}

  /** Keeps the last price and tells how long it took from the first record to the last. */
  private static final class Keeper extends ContextualProcessor<String, byte[], Void, Void> {
    private final double seconds;
    private final long records;
    private KeyValueStore<String, Double> store;
    private long count;
    private long began;

    Keeper(double seconds, long records) {
      this.seconds = seconds;
      this.records = records;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      super.init(context);
      store = context.getStateStore("last");
    }

    @Override
    public void process(Record<String, byte[]> record) {
      try {
        Tick tick = JSON.readValue(record.value(), Tick.class);
        store.put(tick.symbol(), tick.price());
      } catch (IOException fault) {
        throw new UncheckedIOException(fault);
      }
      long now = System.nanoTime();
      if (++count == 1) {
        began = now;
      } else if (count == records || now - began >= seconds * 1e9) {
        System.out.printf("{\"records\": %d, \"seconds\": %s}%n", count, (now - began) / 1e9);
        Runtime.getRuntime().halt(0);
      }
    }
  }

  public static void main(String[] arguments) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("application.id", "bench-" + UUID.randomUUID());
    settings.put("auto.offset.reset", "earliest");
    settings.put("state.dir", arguments[4]);
    double seconds = Double.parseDouble(arguments[2]);
    long records = Long.parseLong(arguments[3]);
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(
        Stores.keyValueStoreBuilder(
            Stores.inMemoryKeyValueStore("last"), Serdes.String(), Serdes.Double()));
    builder.stream(arguments[1], Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .process(() -> new Keeper(seconds, records), "last");
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.setUncaughtExceptionHandler(
        fault -> {
          fault.printStackTrace();
          Runtime.getRuntime().halt(1);
          return null;
        });
    streams.start();
  }
}
