using NativeGreenlet.Cooperative;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddGreenlets();
builder.Services.AddHealthChecks().AddGreenHubs();
builder.Services.AddOpenTelemetry()
    .WithMetrics(metrics => metrics.AddMeter("NativeGreenlet", "NativeGreenlet.Cooperative").AddPrometheusExporter())
    .WithTracing(traces => traces.AddSource("NativeGreenlet.Cooperative")); // and an exporter: .AddOtlpExporter() of its package

WebApplication app = builder.Build();
app.MapHealthChecks("/health"); // these two are asynchronous, and stay where they are
app.MapPrometheusScrapingEndpoint();
app.UseGreenlets();
app.MapGet("/", () =>
{
    Hub.Sleep(TimeSpan.FromMilliseconds(100)); // holds no thread
    return "hello";
});
app.Run();
