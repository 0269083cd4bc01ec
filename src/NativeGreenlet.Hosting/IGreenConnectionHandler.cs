using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Hosting;

/// <summary>Serves the connections of a TCP server. Each connection has an instance, and a scope of services, of its own.</summary>
/// <example><code>
/// HostApplicationBuilder builder = Host.CreateApplicationBuilder();
/// builder.Services.AddGreenTcpServer&lt;Shouter&gt;("shout", options =&gt; options.Port = 7000);
///
/// sealed class Shouter(ILogger&lt;Shouter&gt; logger) : IGreenConnectionHandler
/// {
///     public void Handle(GreenStream connection)
///     {
///         using StreamReader reader = new(connection);
///         while (reader.ReadLine() is { } line)
///         {
///             connection.Write(Encoding.UTF8.GetBytes(line.ToUpperInvariant() + "\n"));
///         }
///
///         logger.LogInformation("A client has left.");
///     }
/// }
/// </code></example>
public interface IGreenConnectionHandler
{
    /// <summary>Serves a connection, in a task of its own: it reads and writes as if it blocked. The connection is closed when this
    /// returns.</summary>
    /// <param name="connection">The connection.</param>
    void Handle(GreenStream connection);
}
