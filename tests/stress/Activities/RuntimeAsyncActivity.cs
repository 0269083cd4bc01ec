using System.Runtime.CompilerServices;
using NativeGreenlet.RuntimeAsync;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses below asynchronous methods that the runtime itself suspends (.NET 11), before they first wait and when
/// they go on: on the stack of whoever completes what they wait for, which is another greenlet as a rule.</summary>
internal sealed class RuntimeAsyncActivity : Activity
{
    private const int MostFrames = 4;
    private const int MostGuests = 2;

    // What methods that greenlets of this thread have called wait for.
    [ThreadStatic]
    private static List<TaskCompletionSource>? t_gates;

    public override string Name => "runtime-async";

    public override string? Obstacle => Environment.Version.Major >= 11 ? null : $".NET {Environment.Version} suspends no asynchronous methods itself";

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        Holdings holdings = new(stamp, stackalloc int[4]);
        int frames = actor.Random.Next(MostFrames + 1);
        switch (actor.Random.Next(actor.MayThrow ? 3 : 2))
        {
            case 0:
                Part part = new(actor, depth);
                Check.That(Await(actor, part, PlayOwn(part, frames, stamp)) == stamp + frames);
                break;

            case 1:
                Copy(actor, depth, stamp);
                break;

            default:
                Fail(actor, new Part(actor, depth), frames, stamp);
                break;
        }

        holdings.Verify();
    }

    // In frames of its own: the assembly cannot be loaded before .NET 11.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task<long> PlayOwn(Part part, int frames, int stamp) =>
        AsyncFrames.PlayAsync(frames, stamp, part.Begin, part.Gate.Task, part.Resume, error: null);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(Actor actor, Part part, int frames, int stamp)
    {
        ValueTask<long> task = AsyncFrames.GuardedAsync(
            frames,
            stamp,
            part.Begin,
            part.Gate.Task,
            part.Resume,
            () => new Mishap(actor, stamp),
            exception =>
            {
                ((Mishap)exception).Verify(stamp);
                return true;
            },
            () => Actor.Current.MayPause());
        Check.That(Await(actor, part, task.AsTask()) == -stamp);
    }

    // The framework's own, which are compiled in that way.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Copy(Actor actor, int depth, int stamp)
    {
        Part part = new(actor, depth);
        using PausingStream source = new(part, stamp);
        using MemoryStream sink = new();
        _ = Await(actor, part, CopyAsync(source, sink));
        Check.That(sink.ToArray().AsSpan().SequenceEqual(source.Expected()));
    }

    private static async Task<long> CopyAsync(Stream source, Stream sink)
    {
        await source.CopyToAsync(sink);
        return sink.Length;
    }

    // Lets others run, completes what others wait for, and sooner or later what it waits for itself.
    private static long Await(Actor actor, Part part, Task<long> task)
    {
        while (!task.IsCompleted)
        {
            TaskCompletionSource? gate = Choose(actor, part);
            if (gate is null)
            {
                actor.Pause();
                continue;
            }

            actor.Guests++;
            gate.SetResult();
            actor.Guests--;
        }

        Check.That(task.IsCompletedSuccessfully);
        return task.Result;
    }

    private static TaskCompletionSource? Choose(Actor actor, Part part)
    {
        List<TaskCompletionSource> gates = t_gates ??= [];
        TaskCompletionSource? result = part.IsPrivate || actor.Guests >= MostGuests || actor.Once(3)
            ? part.OpenGate
            : gates.Count > 0 ? gates[actor.Random.Next(gates.Count)] : null;
        if (result is not null)
        {
            _ = gates.Remove(result);
            part.NoteTaken(result);
        }

        return result;
    }

    /// <summary>One play: what its asynchronous methods do in the middle.</summary>
    private sealed class Part(Actor actor, int depth)
    {
        private TaskCompletionSource? _open;

        /// <summary>Whether others must not go on with it: only its parent continues the actor, who may wait for it.</summary>
        public bool IsPrivate { get; } = actor is not GreenletActor { IsPrivate: false };

        public TaskCompletionSource Gate { get; } = new();

        /// <summary>What it waits for, if nobody has taken that yet.</summary>
        public TaskCompletionSource? OpenGate => _open is { Task.IsCompleted: false } && (IsPrivate || t_gates!.Contains(_open)) ? _open : null;

        public void NoteTaken(TaskCompletionSource gate)
        {
            if (gate == _open)
            {
                _open = null;
            }
        }

        public bool Begin()
        {
            actor.MayPause();
            actor.Descend(depth - 1);
            Wait(Gate);
            return true;
        }

        /// <summary>On whatever stack that is.</summary>
        public void Resume()
        {
            Actor host = Actor.Current;
            host.MayPause();
            host.Descend(Math.Min(depth, 2));
        }

        public void Wait(TaskCompletionSource gate)
        {
            _open = gate;
            if (!IsPrivate)
            {
                (t_gates ??= []).Add(gate);
            }
        }
    }

    /// <summary>A stream whose reads pause, and may be complete at once or not.</summary>
    private sealed class PausingStream(Part part, int stamp) : Stream
    {
        private const int Reads = 3;
        private const int Bytes = 8;

        private int _reads;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public byte[] Expected() => [.. Enumerable.Range(1, Reads).SelectMany(read => Enumerable.Repeat((byte)(stamp + read), Bytes))];

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Actor.Current.MayPause();
            int read = ++_reads;
            if (read > Reads)
            {
                return 0;
            }

            buffer.Span[..Bytes].Fill((byte)(stamp + read));
            if ((stamp + read) % 2 == 0)
            {
                TaskCompletionSource gate = new();
                part.Wait(gate);
                await gate.Task;
                part.Resume();
            }

            return Bytes;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
