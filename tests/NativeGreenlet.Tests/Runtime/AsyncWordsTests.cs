using System.Reflection;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>Since .NET 11 the asynchronous methods of the core library keep lists for each thread whose entries lie on its
/// stack. A greenlet may be suspended below such a method.</summary>
public class AsyncWordsTests
{
    private const int Greenlets = 5;
    private const int Rounds = 50;
    private const int Chunk = 8;
    private const int Chunks = 3;

    // Every thread-static field of the core library that has an address in it. Whoever adds one here has looked at what it
    // points to: a list on the stack must be exchanged by a switch.
    private static readonly string[] s_known =
    [
        "System.Diagnostics.Tracing.DataCollector.ThreadInstance", // within one call that calls nobody
        "System.Runtime.CompilerServices.AsyncDispatcherInfo.t_current", // AsyncWords
        "System.Runtime.CompilerServices.AsyncHelpers.t_runtimeAsyncAwaitState", // AsyncWords
        "System.Runtime.CompilerServices.AsyncStateMachineDispatcherInfo.t_current", // AsyncWords
        "System.Threading.Thread+DirectOnThreadLocalData.pNativeThread", // the thread's
        "System.Threading.ThreadBlockingInfo.t_first", // while a thread blocks; read by debuggers
    ];

    [Fact]
    public void Greenlets_may_be_suspended_below_asynchronous_methods_of_the_core_library()
    {
        InChild.Result child = InChild.Run(CopyStreams);

        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.Equal("done", child.Output.Trim());
    }

    [Fact]
    public void The_lists_stay_where_they_are_when_the_collector_moves_fields_of_threads()
    {
        InChild.Result child = InChild.Run(MoveFields);

        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.Equal("done", child.Output.Trim());
    }

    [Fact]
    public void No_other_thread_static_field_of_the_core_library_has_an_address()
    {
        IEnumerable<string> found =
            from type in typeof(object).Assembly.GetTypes()
            where !type.ContainsGenericParameters
            from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            where field.IsDefined(typeof(ThreadStaticAttribute)) && HasAddress(field.FieldType)
            select $"{type.FullName}.{field.Name}";

        Assert.Empty(found.Except(s_known));
    }

    // Where the lists are that a switch exchanges is found once a thread.
    private static unsafe void MoveFields()
    {
        _ = ThreadStatics.UseUp();
        Assert.NotEqual(GreenletBackend.Threads, GreenletRuntime.Backend);
        RuntimeLayout layout = BackendSelection.Instance.Bridge!.Layout;
        for (int i = 0; i < Greenlets; i++)
        {
            Thread thread = new(() =>
            {
                object[] garbage = [.. Enumerable.Range(0, 1000).Select(number => new object())]; // below the arrays, which so have somewhere to go
                _ = ThreadStatics.UseUp();
                nint own = ThreadWords.OwnFields(layout.Locator.Current(), layout.ThreadLocalData);
                using AsyncWords? first = AsyncWords.OfThisThread(own);
                if (first is null)
                {
                    Assert.True(Environment.Version.Major < 11);
                    return;
                }

                Assert.Equal(2, first.CountInArrays);
                Array.Clear(garbage);
                for (int round = 0; round < 3; round++)
                {
                    GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
                    using AsyncWords second = AsyncWords.OfThisThread(own)!;
                    Assert.Equal((nint)second.StackState, (nint)first.StackState);
                    Assert.Equal((nint)second.Dispatcher, (nint)first.Dispatcher);
                    Assert.Equal((nint)second.MachineDispatcher, (nint)first.MachineDispatcher);
                }
            });
            thread.Start();
            thread.Join();
        }

        Console.WriteLine("done");
    }

    private static bool HasAddress(Type type) =>
        type.IsPointer || type.IsFunctionPointer || type == typeof(nint) || type == typeof(nuint)
        || (type is { IsValueType: true, IsPrimitive: false, IsEnum: false }
            && type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Any(field => HasAddress(field.FieldType)));

    private static void CopyStreams()
    {
        for (int round = 0; round < Rounds; round++)
        {
            Random random = new(round);
            PausingStream[] sources = [.. Enumerable.Range(0, Greenlets).Select(i => new PausingStream((i + round) % 2 == 0))];
            MemoryStream[] sinks = [.. sources.Select(_ => new MemoryStream())];
            Greenlet[] greenlets = [.. sources.Select((source, i) => new Greenlet(() => Copy(source, sinks[i])))];
            while (greenlets.Where(greenlet => !greenlet.IsDead).ToArray() is { Length: > 0 } live)
            {
                _ = live[random.Next(live.Length)].Switch();
                GC.Collect(0);
            }

            Assert.All(sinks, sink => Assert.Equal(Chunk * Chunks, sink.Length));
        }

        Console.WriteLine("done");
    }

    private static void Copy(PausingStream source, MemoryStream sink)
    {
        Task task = source.CopyToAsync(sink);
        _ = Overwrite(20);
        while (!task.IsCompleted)
        {
            _ = Greenlet.Current.Parent!.Switch();
            source.Complete();
        }

        task.GetAwaiter().GetResult();
    }

    private static long Overwrite(int depth)
    {
        Span<long> words = stackalloc long[64];
        words.Fill(0x1111111111111111);
        return depth == 0 ? words[3] : Overwrite(depth - 1) + words[5];
    }

    private sealed class PausingStream(bool completes) : MemoryStream
    {
        private TaskCompletionSource<int>? _pending;
        private int _reads;

        public void Complete() => Interlocked.Exchange(ref _pending, null)?.SetResult(Chunk);

        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) =>
            new Plain(this).CopyToAsync(destination, bufferSize, cancellationToken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _ = Greenlet.Current.Parent!.Switch();
            if (_reads++ == Chunks)
            {
                return new(0);
            }

            _pending = completes ? null : new();
            return completes ? new(Chunk) : new(_pending!.Task);
        }

        // Copies as a stream does that knows no better.
        private sealed class Plain(PausingStream inner) : Stream
        {
            public override bool CanRead => true;

            public override bool CanSeek => false;

            public override bool CanWrite => false;

            public override long Length => throw new NotSupportedException();

            public override long Position
            {
                get => throw new NotSupportedException();
                set => throw new NotSupportedException();
            }

            public override void Flush()
            {
            }

            public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

            public override void SetLength(long value) => throw new NotSupportedException();

            public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
                inner.ReadAsync(buffer, cancellationToken);
        }
    }
}
