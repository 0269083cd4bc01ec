using System.Net;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Chat;

/// <summary>Somebody who chats.</summary>
internal sealed class ChatClient : IDisposable
{
    private readonly GreenSocket _socket = new();
    private readonly StreamReader _reader;
    private readonly StreamWriter _writer;

    public ChatClient(IPEndPoint server, string name)
    {
        Name = name;
        _socket.Connect(server);
        GreenStream stream = _socket.GetStream();
        _reader = new StreamReader(stream);
        _writer = new StreamWriter(stream) { AutoFlush = true, NewLine = "\n" };
        _reader.ReadLine();
        Say(name);
    }

    public string Name { get; }

    public void Say(string line) => _writer.WriteLine(line);

    /// <summary>Waits for the next line that somebody said, or that is about somebody.</summary>
    public string Hear() => _reader.ReadLine() ?? throw new EndOfStreamException();

    /// <summary>Waits for a line.</summary>
    public void HearOf(string line)
    {
        while (Hear() != line)
        {
        }
    }

    /// <summary>Hangs up without a word.</summary>
    public void Break()
    {
        _socket.Socket.LingerState = new(true, 0);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _reader.Dispose();
        _socket.Dispose();
    }
}
