using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>How the big users of greenlet use it, each in small.</summary>
public class PatternTests
{
    private const int MostRounds = 100;
    private static readonly AsyncLocal<string?> s_request = new();

    /// <summary>SQLAlchemy: a synchronous library over an asynchronous driver, inside <c>async</c> code that migrates
    /// between threads.</summary>
    [Fact]
    public async Task Synchronous_code_in_the_middle_of_async_code()
    {
        ConcurrentDictionary<int, int> asyncThreads = new();
        for (int round = 0; round == 0 || (asyncThreads.Count < 2 && round < MostRounds); round++) // on a busy machine one thread of the pool may do all
        {
            string[] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(RequestAsync)).WaitAsync(InHub.Patience);
            Assert.Equal(Enumerable.Range(0, 200).Select(i => $"request {i}: 0 1 2"), answers);
        }

        Assert.True(asyncThreads.Count > 1, "it did not migrate");

        async Task<string> RequestAsync(int i)
        {
            s_request.Value = $"request {i}";
            await Task.Yield();
            asyncThreads.TryAdd(Environment.CurrentManagedThreadId, 0);
            string answer = await Hub.RunAsync(() => Library(3)).ConfigureAwait(false);
            await Task.Delay(1).ConfigureAwait(false);
            asyncThreads.TryAdd(Environment.CurrentManagedThreadId, 0);

            // What the driver throws comes out as it is, however deep the synchronous code between.
            InvalidTimeZoneException mine = new();
            Assert.Same(mine, await Assert.ThrowsAsync<InvalidTimeZoneException>(() => Hub.RunAsync(() => Hub.Await(FailAsync(mine)))));
            return answer;
        }

        static string Library(int depth)
        {
            StringBuilder text = new($"{s_request.Value}:");
            int thread = Environment.CurrentManagedThreadId;
            for (int i = 0; i < depth; i++)
            {
                text.Append(' ').Append(Hub.Await(DriverAsync(i)));
                Assert.True(GreenletRuntime.Backend == GreenletBackend.Threads || thread == Environment.CurrentManagedThreadId, "it moved to another thread");
            }

            return text.ToString();
        }
    }

    /// <summary>SQLAlchemy's <c>await_only</c> outside of <c>greenlet_spawn</c>.</summary>
    [Fact]
    public void The_library_used_outside_of_a_hub_is_told_so()
    {
        TaskCompletionSource<int> never = new();
        Assert.Throws<MissingHubException>(() => Hub.Await(never.Task));
        Assert.Throws<MissingHubException>(() => Hub.Await(Task.FromResult(1))); // not only if it would have to wait
    }

    /// <summary>greenback: synchronous in asynchronous in synchronous code, several times.</summary>
    [Fact]
    public void Both_worlds_may_be_nested() => InHub.Run(() =>
    {
        Assert.Equal(10, Sync(10));

        static int Sync(int depth) => depth == 0 ? 0 : Hub.Await(NestAsync(depth));

        static async Task<int> NestAsync(int depth)
        {
            await Task.Yield();
            return 1 + await Hub.RunAsync(() => Sync(depth - 1)).ConfigureAwait(false);
        }
    });

    /// <summary>Playwright: a synchronous interface over a connection that sends events; their handlers use it too.</summary>
    [Fact]
    public void Handlers_of_events_use_the_synchronous_interface_too() => InHub.Run(() =>
    {
        Browser browser = new();
        List<string> log = [];
        browser.OnPage(name =>
        {
            log.Add($"{name}: {browser.Call("title")}"); // parks the handler only
        });
        Assert.Equal("went", browser.Call("goto"));
        while (log.Count < 3)
        {
            Hub.Sleep(InHub.Tick);
        }

        Assert.Equal(["page 0: title", "page 1: title", "page 2: title"], log.Order());
        browser.Close();
        Assert.Throws<ObjectDisposedException>(() => browser.Call("goto")); // an error, not a spin
    });

    /// <summary>locust: each user a blocking loop; stopped by force, all run their cleanup.</summary>
    [Fact]
    public void Ten_thousand_users_are_stopped_and_clean_up() => InHub.Run(() =>
    {
        int count = GreenletRuntime.Backend == GreenletBackend.Threads ? 300 : 10_000;
        GreenPool users = new(count);
        int stopped = 0;
        int requests = 0;
        List<GreenTask> tasks = [];
        for (int i = 0; i < count; i++)
        {
            string name = $"user {i}";
            tasks.Add(users.Spawn(() =>
            {
                try
                {
                    while (true)
                    {
                        requests++;
                        Hub.Sleep(TimeSpan.FromSeconds(600));
                    }
                }
                finally
                {
                    Hub.Yield(); // on_stop may wait
                    Assert.Equal(tasks.Count, count);
                    Assert.StartsWith("user ", name, StringComparison.Ordinal);
                    stopped++;
                }
            }));
        }

        Hub.Yield();
        Assert.Equal((count, count), (requests, users.Count));
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        Assert.True(users.Kill(timeout: InHub.Long));
        Assert.Equal((count, 0, count), (stopped, users.Count, users.FreeCount));
        Assert.All(tasks, task => Assert.True(task.IsKilled));
    });

    /// <summary>10,000 waits that time out or are canceled, in one object.</summary>
    [Fact]
    public void Ten_thousand_waits_in_one_object_are_given_up() => InHub.Run(() =>
    {
        int count = GreenletRuntime.Backend == GreenletBackend.Threads ? 300 : 10_000;
        GreenSemaphore semaphore = new(0);
        int timedOut = 0;
        GreenTask[] tasks = [.. Enumerable.Range(0, count).Select(i => Hub.Spawn(() =>
        {
            bool isWoken = i % 2 == 0
                ? semaphore.Wait(TimeSpan.FromMilliseconds(50))
                : GreenTimeout.TryRun(TimeSpan.FromMilliseconds(50), semaphore.Wait);
            timedOut += isWoken ? 0 : 1;
        }))];
        Assert.Equal(count, Hub.Wait(tasks, InHub.Long).Count);
        Assert.Equal(count, timedOut);
        Assert.Equal(count, Hub.WaitEach(tasks).Count());
    });

    /// <summary>Requests of a web server: thousands of runs that share an object, each for a moment.</summary>
    [Fact]
    public async Task Ten_thousand_runs_share_an_object()
    {
        int count = GreenletRuntime.Backend == GreenletBackend.Threads ? 300 : 10_000;
        GreenSemaphore semaphore = new(10);
        int inside = 0;
        int most = 0;
        using Hub hub = Hub.Start();
        await Task.WhenAll(Enumerable.Range(0, count).Select(_ => hub.InvokeAsync(() =>
        {
            semaphore.Wait();
            most = Math.Max(most, ++inside);
            Hub.Yield();
            inside--;
            semaphore.Release();
        }))).WaitAsync(InHub.Patience);
        Assert.Equal((10, 10), (most, semaphore.CurrentCount));
    }

    /// <summary>pyzmq: try without waiting; else wait until it is ready, and try again.</summary>
    [Fact]
    public void Try_else_park_until_ready() => InHub.Run(() =>
    {
        using GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        GreenTask<GreenSocket> accepting = Hub.Spawn(listener.Accept);
        using GreenSocket near = GreenSocket.Connect("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port);
        using GreenSocket far = accepting.Result;
        near.Socket.Blocking = false;
        byte[] buffer = new byte[16];
        Assert.False(near.WaitUntilReadable(InHub.Tick));
        Hub.Spawn(() => far.Send("abc"u8)); // begins when this task parks
        int parked = 0;
        int count;
        while ((count = near.Socket.Receive(buffer, SocketFlags.None, out SocketError error)) <= 0 && error == SocketError.WouldBlock)
        {
            parked++;
            Assert.True(near.WaitUntilReadable(InHub.Long));
        }

        Assert.Equal((3, 1), (count, parked));
        far.Dispose();
        Assert.True(near.WaitUntilReadable(InHub.Long)); // its end can be read
    });

    /// <summary>gunicorn: a server hands its connections to a pool; more than that wait.</summary>
    [Fact]
    public void A_server_serves_no_more_than_its_pool() => InHub.Run(() =>
    {
        GreenEvent leave = new();
        int served = 0;
        using GreenTcpServer server = new(
            new IPEndPoint(IPAddress.Loopback, 0),
            stream =>
            {
                served++;
                leave.Wait();
                stream.WriteByte(1);
            },
            new GreenPool(2));
        server.Start();
        GreenTask<int>[] clients = [.. Enumerable.Range(0, 5).Select(_ => Hub.Spawn(() =>
        {
            using GreenStream stream = GreenSocket.Connect("127.0.0.1", server.EndPoint.Port).GetStream();
            return stream.ReadByte();
        }))];
        while (served < 2)
        {
            Hub.Sleep(InHub.Tick);
        }

        Hub.Sleep(InHub.Tick * 50);
        Assert.Equal(2, served);
        leave.Set();
        Assert.All(clients, client => Assert.Equal(1, client.Result));
        Assert.Equal(5, served);
        server.Stop();
    });

    /// <summary>eventlet: errors of callbacks are told and the hub goes on; timers of a task that has ended do nothing.</summary>
    [Fact]
    public void Errors_of_callbacks_are_told_and_the_hub_goes_on() => InHub.Run(() =>
    {
        var heard = InHub.Unhandled();
        Hub.Current.Post(() => throw new InvalidTimeZoneException());
        GreenTask task = Hub.Spawn(() =>
        {
            GreenTimeout forgotten = new(InHub.Tick); // never disposed of
            Assert.False(forgotten.IsExpired);
        });
        task.Join();
        Hub.Sleep(InHub.Tick * 20);
        Assert.IsType<InvalidTimeZoneException>(Assert.Single(heard));
        Assert.True(task.IsSuccessful);
    });

    /// <summary>gevent's <c>link</c>: also when it is added late, and for one that was killed before it started.</summary>
    [Fact]
    public void Completions_are_told_early_and_late() => InHub.Run(() =>
    {
        List<string> told = [];
        GreenTask ran = Hub.Spawn(() => { });
        GreenTask killed = Hub.Spawn(() => told.Add("ran"));
        ran.OnCompleted(task => told.Add($"early {task == ran}"));
        killed.OnCompleted(task => told.Add($"killed {task.IsKilled}"));
        killed.Kill();
        Hub.WaitAll(ran, killed);
        Hub.Yield();
        ran.OnCompleted(() => told.Add("late"));
        Assert.Equal(2, told.Count); // not inside the call
        Hub.Yield();
        Assert.Equal(["early True", "killed True", "late"], told.Order());

        // gevent: get on one that was killed returns the exit; here it throws an error that has it.
        GreenletExit exit = new();
        GreenTask<int> never = Hub.Spawn(() => 1);
        never.Kill(exit);
        GreenTaskKilledException error = Assert.Throws<GreenTaskKilledException>(() => never.Result);
        Assert.Same(exit, error.InnerException);
        Assert.Same(never, error.Task);
        Assert.True(never.IsSuccessful && never.IsKilled);
    });

    private static async Task<int> DriverAsync(int value)
    {
        await Task.Delay(value % 2).ConfigureAwait(false);
        return value;
    }

    private static async Task FailAsync(Exception exception)
    {
        await Task.Yield();
        throw exception;
    }

    /// <summary>A connection with a life of its own, on threads of the pool.</summary>
    private sealed class Browser
    {
        private readonly Hub _hub = Hub.Current;
        private Action<string>? _handler;
        private bool _isClosed;

        public void OnPage(Action<string> handler) => _handler = handler;

        public string Call(string method)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            return Hub.Await(SendAsync(method));
        }

        public void Close() => _isClosed = true;

        private async Task<string> SendAsync(string method)
        {
            await Task.Delay(2).ConfigureAwait(false);
            if (method != "goto")
            {
                return method;
            }

            for (int i = 0; i < 3; i++)
            {
                string page = $"page {i}";
                _ = _hub.InvokeAsync(() => _handler!(page)); // as a task of its own
            }

            return "went";
        }
    }
}
