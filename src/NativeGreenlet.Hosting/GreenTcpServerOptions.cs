using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Hosting;

/// <summary>Options of a TCP server of a host. Bound to the section <c>Greenlets:TcpServers:NAME</c> of the configuration, and checked
/// when the host starts.</summary>
/// <example><code>
/// HostApplicationBuilder builder = Host.CreateApplicationBuilder();
/// builder.Services.AddGreenTcpServer("echo", stream =&gt; stream.CopyTo(stream), options =&gt; options.Port = 7);
/// </code></example>
public sealed class GreenTcpServerOptions
{
    /// <summary>Gets or sets the address to listen at: an IP address; <c>127.0.0.1</c> unless it is set. <c>0.0.0.0</c> and
    /// <c>::</c> stand for all of the machine.</summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Gets or sets the port; 0, which it is unless it is set, for any that is free.</summary>
    public int Port { get; set; }

    /// <summary>Gets or sets <see cref="GreenTcpServer.HubCount"/>; 1 unless it is set.</summary>
    public int HubCount { get; set; } = 1;

    /// <summary>Gets or sets <see cref="GreenTcpServer.Backlog"/>; 512 unless it is set.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Gets or sets how many connections are served at a time; null for no limit. Others wait to be accepted.</summary>
    public int? MaxConnections { get; set; }
}
