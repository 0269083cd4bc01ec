namespace NativeGreenlet.Hosting;

/// <summary>Runs for as long as the host does, as the main task of a run in one of its hubs.</summary>
/// <example><code>
/// HostApplicationBuilder builder = Host.CreateApplicationBuilder();
/// builder.Services.AddGreenService&lt;Ticker&gt;();
///
/// sealed class Ticker(ILogger&lt;Ticker&gt; logger) : IGreenService
/// {
///     public void Run(CancellationToken stopping)
///     {
///         while (true)
///         {
///             logger.LogInformation("tick");
///             Hub.Sleep(TimeSpan.FromSeconds(1), stopping);
///         }
///     }
/// }
/// </code></example>
public interface IGreenService
{
    /// <summary>Does the service's work, in a hub: it waits as if it blocked, and may spawn tasks, which end with it. If it throws,
    /// the host stops.</summary>
    /// <param name="stopping">Is cancelled when the host stops. What has not ended by <see cref="GreenHostOptions.DrainTime"/> later is
    /// killed.</param>
    void Run(CancellationToken stopping);
}
