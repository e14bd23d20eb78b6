using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace DistillOnnx.Server.Telemetry;

/// <summary>Where telemetry goes: <c>/metrics</c> for Prometheus, and an OTLP collector where one is named.</summary>
internal static class Exporters
{
    public static void Add(IServiceCollection services, ServerOptions options)
    {
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(r => r.AddService("distillonnx", serviceVersion: typeof(Exporters).Assembly.GetName().Version?.ToString(3)))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(
                    ServerMetrics.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime");
                metrics.AddPrometheusExporter();
                if (options.OtlpEndpoint is { } endpoint) metrics.AddOtlpExporter(otlp => Configure(otlp, endpoint));
            });
        if (options.OtlpEndpoint is not { } collector) return;
        telemetry.WithTracing(tracing => tracing
            .AddSource(ServerMetrics.Name, "Microsoft.AspNetCore")
            .AddOtlpExporter(otlp => Configure(otlp, collector)));
    }

    private static void Configure(OtlpExporterOptions otlp, string endpoint) => otlp.Endpoint = new Uri(endpoint);
}
