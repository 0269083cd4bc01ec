using System.Net;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Chat;

/// <summary>One room. A line is a message; the first one of a connection is the name. Two tasks for each member: one reads
/// the connection and one writes to it.</summary>
internal sealed class ChatServer : IDisposable
{
    private readonly Dictionary<string, GreenQueue<string>> _outboxes = []; // no lock: nobody waits while using it
    private readonly GreenTcpServer _listener;

    public ChatServer(IPEndPoint endPoint)
    {
        _listener = new GreenTcpServer(endPoint, Serve);
    }

    public IPEndPoint EndPoint => _listener.EndPoint;

    public IReadOnlyCollection<string> Members => _outboxes.Keys;

    public void Start() => _listener.Start();

    public void ServeForever() => _listener.ServeForever();

    public void Dispose() => _listener.Dispose();

    private void Serve(GreenStream connection)
    {
        using StreamReader reader = new(connection);
        using StreamWriter writer = new(connection) { AutoFlush = true, NewLine = "\n" };
        writer.WriteLine("* your name?");
        if (reader.ReadLine() is not { Length: > 0 } name)
        {
            return;
        }

        GreenQueue<string> outbox = new();
        if (!_outboxes.TryAdd(name, outbox))
        {
            writer.WriteLine("* somebody else has that name");
            return;
        }

        GreenTask writing = Hub.Spawn(() =>
        {
            while (true)
            {
                writer.WriteLine(outbox.Get()); // who reads slowly keeps only this task waiting
            }
        });
        try
        {
            TellAll($"* {name} is here");
            while (reader.ReadLine() is { } line)
            {
                TellAll($"{name}: {line}");
            }
        }
        catch (IOException)
        {
            // The line broke.
        }
        finally
        {
            writing.Kill();
            _outboxes.Remove(name);
            TellAll($"* {name} has left");
        }
    }

    private void TellAll(string line)
    {
        foreach (GreenQueue<string> outbox in _outboxes.Values)
        {
            outbox.Put(line); // has room without end: it does not wait
        }
    }
}
