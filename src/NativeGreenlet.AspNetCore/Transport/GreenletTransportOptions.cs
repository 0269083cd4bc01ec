using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>Options of the transport that has Kestrel's connections on hubs.</summary>
/// <example><code>
/// WebApplicationBuilder builder = WebApplication.CreateBuilder();
/// builder.WebHost.UseGreenletTransport(options =&gt;
/// {
///     options.Backlog = 4096;
///     options.MaxReadBufferSize = 256 * 1024;
/// });
/// </code></example>
public sealed class GreenletTransportOptions
{
    /// <summary>Gets or sets the hubs on which connections live, which stay the caller's and must not end before the application; null for
    /// those of requests, as many as <see cref="GreenRequestOptions.Hubs"/> says. All of them are started with the server.</summary>
    public HubPool? Hubs { get; set; }

    /// <summary>Gets or sets how many connections may wait to be accepted, if the system allows as many; 512 unless it is set.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Gets or sets whether small pieces are sent at once over TCP; true unless it is set.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>Gets or sets how many bytes of a connection may have been received and not been read before no more are received; null for
    /// no limit. 1 MiB unless it is set.</summary>
    public long? MaxReadBufferSize { get; set; } = 1024 * 1024;

    /// <summary>Gets or sets how many bytes of a connection may have been written and not been sent before writing waits; null for no limit.
    /// 64 KiB unless it is set.</summary>
    public long? MaxWriteBufferSize { get; set; } = 64 * 1024;

    /// <summary>For how long a hub may not have gone on before its connections go to others. Set by tests.</summary>
    internal TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(1);
}
