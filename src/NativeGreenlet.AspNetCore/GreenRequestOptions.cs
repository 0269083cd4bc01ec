using Microsoft.AspNetCore.Http;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>Options of requests that run on greenlets.</summary>
/// <example><code>
/// WebApplicationBuilder builder = WebApplication.CreateBuilder();
/// builder.Services.AddGreenlets(options =&gt;
/// {
///     options.MaxConcurrentRequests = 10_000;
///     options.QueueLimit = 1_000;
///     options.WarnWhenBlockedFor = TimeSpan.FromMilliseconds(500);
/// });
/// </code></example>
public sealed class GreenRequestOptions
{
    /// <summary>Gets or sets how many hub threads there are; null for one for each processor. They are started as
    /// requests need them.</summary>
    public int? Hubs { get; set; }

    /// <summary>Gets or sets whether <c>UseGreenlets</c> runs all requests on greenlets, but those of endpoints that refuse it;
    /// else only those of endpoints that ask for it. True unless it is set.</summary>
    /// <seealso cref="RunOnGreenletAttribute"/>
    public bool RunByDefault { get; set; } = true;

    /// <summary>Gets or sets how many requests run on greenlets at a time; null for no limit.</summary>
    public int? MaxConcurrentRequests { get; set; }

    /// <summary>Gets or sets how many requests wait when there are <see cref="MaxConcurrentRequests"/>, the first come first; none
    /// unless it is set. One more is answered at once by <see cref="RejectionStatusCode"/>.</summary>
    public int QueueLimit { get; set; }

    /// <summary>Gets or sets the status code of the answer to a request that is one too many, or for which there is no
    /// stack; 503 unless it is set.</summary>
    public int RejectionStatusCode { get; set; } = StatusCodes.Status503ServiceUnavailable;

    /// <summary>Gets or sets for how long a handler may keep its hub from going on before the log warns of it, with its stack
    /// trace; null for no warnings. One second unless it is set. A thread watches.</summary>
    public TimeSpan? WarnWhenBlockedFor { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Gets or sets what is done when a handler blocks its hub's thread by a wait of .NET, such as <c>task.Wait()</c>; null for
    /// what <see cref="HubOptions.BlockingWaits"/> is unless it is set. Each place that blocks is logged once for each hub.</summary>
    public BlockingWaits? BlockingWaits { get; set; }

    /// <summary>Gets or sets whose threads <see cref="Hub.Offload(Action)"/> uses in handlers; null for
    /// <see cref="OffloadPool.Shared"/>.</summary>
    public OffloadPool? OffloadPool { get; set; }
}
