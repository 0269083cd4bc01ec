using System.Net.Sockets;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Interop;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Calls back in a hub's thread, between tasks, when a socket may have become ready: for servers and drivers that keep no task for each
/// connection. Code of a task uses <see cref="GreenSocket"/>.
/// </summary>
/// <remarks>
/// <para>An event says that something has come since the last one, and is told once: whoever is called reads until the socket has no more
/// (<see cref="SocketError.WouldBlock"/>), or writes until it takes no more, or keeps in mind that there may be more. The socket should not
/// block (<see cref="Socket.Blocking"/>).</para>
/// <para>Callbacks must not wait. What they throw is reported by <see cref="Hub.UnhandledException"/>.</para>
/// <para>The hub keeps the callbacks until this is disposed of, which comes before the end of the socket.</para>
/// </remarks>
/// <example><code>
/// using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
/// socket.Connect("example.org", 7);
/// socket.Blocking = false;
/// byte[] buffer = new byte[1024];
/// using HubSocketEvents events = new(socket, Receive, () =&gt; { });
/// using Hub hub = Hub.Start();
/// hub.Post(() =&gt; events.TryAttach());
/// Console.ReadLine();
///
/// void Receive()
/// {
///     while (socket.Receive(buffer, SocketFlags.None, out SocketError error) is &gt; 0 and int count &amp;&amp; error == SocketError.Success)
///     {
///         Console.WriteLine($"{count} bytes");
///     }
/// }
/// </code></example>
public sealed class HubSocketEvents : IDisposable
{
    private const int Readable = 1;
    private const int Writable = 2;

    private readonly Socket _socket;
    private readonly Action _onReadable;
    private readonly Action _onWritable;
    private readonly Lock _gate = new(); // of what follows
    private volatile Attachment? _attachment;
    private volatile bool _mayEnd;
    private bool _isDisposed;

    /// <summary>Creates one, which no hub has yet.</summary>
    /// <param name="socket">The socket. It stays the caller's.</param>
    /// <param name="onReadable">What to call when there may be bytes to receive, or their end, or a connection to accept.</param>
    /// <param name="onWritable">What to call when bytes may be sent.</param>
    /// <exception cref="ArgumentNullException">The socket or a callback is null.</exception>
    public HubSocketEvents(Socket socket, Action onReadable, Action onWritable)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(onReadable);
        ArgumentNullException.ThrowIfNull(onWritable);
        _socket = socket;
        _onReadable = onReadable;
        _onWritable = onWritable;
    }

    /// <summary>Gets a value indicating whether hubs here wait for sockets themselves: on Linux, unless
    /// <c>NATIVEGREENLET_POLLER=off</c>.</summary>
    public static bool IsSupported => Poller.IsSupported;

    /// <summary>Gets a value indicating whether something other than bytes has come, such as their end: a receive that brings fewer bytes
    /// than there is room for is no sign then that there are no more.</summary>
    public bool MayEnd => _mayEnd;

    /// <summary>Has the callbacks called in the hub that the caller is in, from now on, beginning with what the socket is ready for already.
    /// Another hub that had them has not any more.</summary>
    /// <returns>Whether the hub can; false also where <see cref="IsSupported"/> is, or when the system has no descriptor for it.</returns>
    /// <exception cref="MissingHubException">The caller is on the thread of no hub.</exception>
    /// <exception cref="ObjectDisposedException">It has been disposed of, or the socket.</exception>
    public bool TryAttach()
    {
        HubLoop loop = HubLoop.OfThisThreadOrNull ?? throw new MissingHubException();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            Leave();
            if (loop.Poller is not { } poller)
            {
                return false;
            }

            Attachment attachment = new(this, loop, poller);
            _attachment = attachment;
            if (poller.TryAdd(_socket.SafeHandle, attachment, out ulong key))
            {
                attachment.Key = key;
                return true;
            }

            _attachment = null;
            return false;
        }
    }

    /// <summary>Has no callback called any more; one that has begun in the hub may still go on. From any thread.</summary>
    public void Detach()
    {
        lock (_gate)
        {
            Leave();
        }
    }

    /// <summary>Has no callback called any more, for ever. From any thread, before the socket is closed.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            Leave();
            _isDisposed = true;
        }
    }

    private void Leave()
    {
        if (_attachment is { } attachment)
        {
            _attachment = null;
            attachment.Poller.Remove(_socket.SafeHandle, attachment.Key);
        }
    }

    /// <summary>The time that it is with one hub. What a hub still has to call when another has got it is nobody's.</summary>
    private sealed class Attachment : IPolled
    {
        private readonly HubSocketEvents _owner;
        private readonly HubLoop _loop;
        private readonly Action _call;
        private int _pending; // in the hub's thread

        public Attachment(HubSocketEvents owner, HubLoop loop, Poller poller)
        {
            _owner = owner;
            _loop = loop;
            Poller = poller;
            _call = Call;
        }

        public Poller Poller { get; }

        public ulong Key { get; set; }

        public void Signal(uint events)
        {
            if ((events & ~(Linux.Readable | Linux.Writable)) != 0)
            {
                _owner._mayEnd = true;
            }

            int before = _pending;
            _pending |= (events & ~Linux.Writable) != 0 ? Readable : 0;
            _pending |= (events & ~Linux.Readable) != 0 ? Writable : 0;
            if (before == 0 && _pending != 0)
            {
                _loop.Schedule(new ReadyEntry(_call));
            }
        }

        public void Leave(Poller poller)
        {
            // The hub ends, and calls nothing any more.
        }

        private void Call()
        {
            int pending = _pending;
            _pending = 0;
            if ((pending & Readable) != 0 && _owner._attachment == this)
            {
                _owner._onReadable();
            }

            if ((pending & Writable) != 0 && _owner._attachment == this)
            {
                _owner._onWritable();
            }
        }
    }
}
