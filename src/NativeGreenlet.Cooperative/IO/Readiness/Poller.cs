using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using NativeGreenlet.Cooperative.Interop;

namespace NativeGreenlet.Cooperative.IO.Readiness;

/// <summary>
/// Where a hub's thread waits for sockets, and for its bell: an epoll instance of its own. So between the network and the
/// task that waits there is no other thread, and no wake-up of one.
/// </summary>
/// <remarks>Linux only. Where it cannot be had, sockets are waited for by .NET's asynchronous operations.</remarks>
internal sealed unsafe class Poller : IDisposable
{
    private const string Variable = "NATIVEGREENLET_POLLER";
    private const int Capacity = 256; // events taken at a time
    private const ulong Bell = ulong.MaxValue;
    private const uint Edges = Linux.Readable | Linux.Writable | Linux.PeerEnded | Linux.Urgent | Linux.EdgeTriggered;

    private static volatile bool s_isMissing = !OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable(Variable) == "off";

    private readonly SafeFileHandle _epoll;
    private readonly SafeFileHandle _bell;
    private readonly byte* _events = (byte*)NativeMemory.Alloc(Capacity, (nuint)Linux.EventSize);
    private readonly Lock _gate = new(); // of the table
    private readonly IPolled?[] _signalled = new IPolled?[Capacity];
    private IPolled?[] _sockets = new IPolled?[16]; // by the lower half of the key
    private uint[] _generations = new uint[16]; // the upper half: a late event of an earlier socket is none of the next one's
    private readonly Stack<int> _free = new();
    private int _count;
    private bool _isDisposed;

    private Poller(SafeFileHandle epoll, SafeFileHandle bell)
    {
        _epoll = epoll;
        _bell = bell;
    }

    /// <summary>Whether hubs here have one.</summary>
    public static bool IsSupported => !s_isMissing;

    /// <summary>How many sockets it knows. From any thread.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count - _free.Count;
            }
        }
    }

    /// <summary>Makes one; null if the system has none, or no more.</summary>
    public static Poller? TryCreate()
    {
        if (s_isMissing)
        {
            return null;
        }

        try
        {
            SafeFileHandle epoll = new(Linux.EpollCreate(Linux.CloseOnExec), ownsHandle: true);
            SafeFileHandle bell = new(Linux.EventFile(0, Linux.CloseOnExec | Linux.NonBlocking), ownsHandle: true);
            if (!epoll.IsInvalid && !bell.IsInvalid && Control(epoll, Linux.Add, bell, Linux.Readable | Linux.EdgeTriggered, Bell))
            {
                return new Poller(epoll, bell);
            }

            epoll.Dispose();
            bell.Dispose();
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            s_isMissing = true;
        }

        return null;
    }

    /// <summary>Has the events of a socket from now on, beginning with what it is ready for already. From any thread.</summary>
    /// <param name="handle">The socket.</param>
    /// <param name="socket">Gets them.</param>
    /// <param name="key">What <see cref="Remove"/> takes.</param>
    /// <returns>Whether it could be had.</returns>
    public bool TryAdd(SafeHandle handle, IPolled socket, out ulong key)
    {
        lock (_gate)
        {
            key = 0;
            if (_isDisposed)
            {
                return false;
            }

            int index = Reserve();
            key = ((ulong)_generations[index] << 32) | (uint)index;
            _sockets[index] = socket;
            if (Control(_epoll, Linux.Add, handle, Edges, key))
            {
                return true;
            }

            Free(index);
            return false;
        }
    }

    /// <summary>Removes a socket, so that its events are no longer reported. From any thread.</summary>
    public void Remove(SafeHandle handle, ulong key)
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            // What is closed has gone by itself.
            if (!handle.IsClosed)
            {
                _ = Control(_epoll, Linux.Remove, handle, 0, 0);
            }

            Free((int)(uint)key);
        }
    }

    /// <summary>Waits until something is ready, or the bell rings, and wakes those who wait for it. In the hub's thread.</summary>
    /// <param name="milliseconds">How long at most; 0 only looks, -1 is without a limit.</param>
    public void Wait(int milliseconds)
    {
        int count = Linux.EpollWait(_epoll, _events, Capacity, milliseconds);
        if (count <= 0)
        {
            return; // time is up, or a signal came: the hub looks what there is to do
        }

        // Those who are woken, and those who close a socket, take the other locks first.
        lock (_gate)
        {
            for (int i = 0; i < count; i++)
            {
                ulong key = Data(i);
                int index = (int)(uint)key;
                _signalled[i] = key != Bell && _generations[index] == (uint)(key >> 32) ? _sockets[index] : null;
            }
        }

        for (int i = 0; i < count; i++)
        {
            _signalled[i]?.Signal(*(uint*)(_events + (i * Linux.EventSize)));
            _signalled[i] = null;
        }
    }

    /// <summary>Ends a <see cref="Wait"/>, this one or the next. From any thread.</summary>
    public void Ring()
    {
        ulong one = 1;
        try
        {
            // Its counter is never read: each write is an event.
            _ = Linux.Write(_bell, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The hub has ended.
        }
    }

    /// <summary>Who waits for a socket looks for another hub's.</summary>
    public void Dispose()
    {
        IPolled?[] left;
        lock (_gate)
        {
            _isDisposed = true;
            left = _sockets;
            _sockets = [];
        }

        _epoll.Dispose();
        _bell.Dispose();
        NativeMemory.Free(_events);
        foreach (IPolled? socket in left)
        {
            socket?.Leave(this);
        }
    }

    private static bool Control(SafeFileHandle epoll, int operation, SafeHandle file, uint events, ulong data)
    {
        byte* change = stackalloc byte[Linux.EventSize];
        *(uint*)change = events;
        BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(change + Linux.EventDataOffset, sizeof(ulong)), data);
        try
        {
            return Linux.EpollControl(epoll, operation, file, change) == 0;
        }
        catch (ObjectDisposedException)
        {
            return false; // somebody has closed it just now
        }
    }

    private ulong Data(int index) =>
        BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(_events + (index * Linux.EventSize) + Linux.EventDataOffset, sizeof(ulong)));

    private int Reserve()
    {
        if (_free.TryPop(out int index))
        {
            return index;
        }

        if (_count == _sockets.Length)
        {
            Array.Resize(ref _sockets, _count * 2);
            Array.Resize(ref _generations, _count * 2);
        }

        return _count++;
    }

    private void Free(int index)
    {
        _sockets[index] = null;
        _generations[index]++;
        _free.Push(index);
    }
}
