using System.Text;
using Microsoft.Extensions.Logging;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Hosting;

namespace GreenTcpServer1;

/// <summary>Answers each line in capitals. Each connection has an instance, and a scope of services, of its own.</summary>
internal sealed class Shouter(ILogger<Shouter> logger) : IGreenConnectionHandler
{
    public void Handle(GreenStream connection)
    {
        using StreamReader reader = new(connection);
        while (reader.ReadLine() is { } line) // parks the task, blocks no thread
        {
            connection.Write(Encoding.UTF8.GetBytes(line.ToUpperInvariant() + "\n"));
        }

        logger.LogInformation("A client has left.");
    }
}
