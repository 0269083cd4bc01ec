using System.Diagnostics;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Tests.Clients;

namespace NativeGreenlet.Weaving.Tests.Publish;

/// <summary>Builds and publishes a program whose library and own code are woven, as a user does.</summary>
public sealed class BuildTests : IDisposable
{
    private const string Library =
        """
        using System;
        using System.IO;
        using System.Threading;
        using System.Threading.Tasks;
        namespace Shop;
        public static class Orders
        {
            public static string Name => "library";
            public static void Wait() => Thread.Sleep(20);
            public static void Lock(object gate, Action inside) { lock (gate) { inside(); } }
            public static Action Delegate(SemaphoreSlim semaphore) => semaphore.Wait;
            public static Func<TimeSpan, bool> Virtual(WaitHandle handle) => handle.WaitOne;
            public static void Fail()
            {
                Task.Delay(5).Wait();
                throw new FormatException();
            }
            public static T Generic<T>(Lazy<T> lazy) => lazy.Value;
        }
        public class Printer
        {
            public int Prints;
            public void Print(int count) => Prints += count;
        }
        public class Loud(Stream inner) : MemoryStream
        {
            public override int Read(byte[] buffer, int offset, int count) { base.Read(buffer, offset, 0); return inner.Read(buffer, offset, count); }
        }
        public static unsafe class Text
        {
            [ThreadStatic] private static System.Text.StringBuilder? t_builder;
            [ThreadStatic] private static int* t_pointer;
            [ThreadStatic] private static delegate*<int, int> t_function;
            private static readonly ThreadLocal<System.Text.StringBuilder> s_other = new(() => new());
            public static string Write(int number)
            {
                System.Text.StringBuilder builder = (t_builder ??= new()).Clear();
                t_pointer += number;
                t_function = number == 1 ? &Twice : &Same;
                s_other.Value!.Clear();
                for (int i = 0; i < 3; i++)
                {
                    builder.Append(number);
                    s_other.Value!.Append(number);
                    Thread.Sleep(5);
                }
                return $"{t_builder} {s_other.Value} {(nint)t_pointer} {t_function(number)}";
            }
            private static int Same(int number) => number;
            private static int Twice(int number) => number * 2;
        }
        public static class Count<T>
        {
            [ThreadStatic] public static int Value;
            public static int Next() => ++Value;
        }
        """;

    private const string Program =
        """
        using NativeGreenlet.Cooperative;
        using NativeGreenlet.Weaving;
        using Shop;
        int ticks = 0;
        Hub.Run(() =>
        {
            GreenTask ticker = Hub.Spawn(() =>
            {
                while (true)
                {
                    Hub.Sleep(TimeSpan.FromMilliseconds(1));
                    ticks++;
                }
            });
            while (ticks == 0)
            {
                Hub.Yield();
            }

            Step("library", Orders.Wait);
            Step("own", () => Thread.Sleep(20));
            using SemaphoreSlim semaphore = new(0);
            Step("delegate", () => { Later(() => semaphore.Release()); Orders.Delegate(semaphore)(); });
            using AutoResetEvent signal = new(false);
            Step("virtual delegate", () => { Later(() => signal.Set()); Orders.Virtual(signal)(TimeSpan.FromSeconds(10)); });
            Step("generic", () => Orders.Generic(new Lazy<int>(() => { Thread.Sleep(20); return 1; })));
            Printer printer = new();
            printer.Print(5);
            Console.WriteLine($"twin of the user's: {printer.Prints}");
            Console.WriteLine($"base: {new Loud(new MemoryStream([1, 2])).Read(new byte[9], 0, 9)}");
            object gate = new();
            bool isFree = true;
            GreenTask other = Hub.Spawn(() => Orders.Lock(gate, () => { Thread.Sleep(20); isFree = false; }));
            Hub.Yield();
            Orders.Lock(gate, () => Console.WriteLine($"lock: {!isFree}"));
            GreenTask<string>[] texts = [.. Enumerable.Range(0, 3).Select(i => Hub.Spawn(() => Text.Write(i)))];
            Console.WriteLine($"thread statics: {string.Join(", ", texts.Select(text => text.Result))}");
            Count<int>.Value = Count<string>.Next() + 10;
            Console.WriteLine($"generic: {Hub.Spawn(() => Count<int>.Next() + Count<string>.Next()).Result} {Count<int>.Value} {Count<string>.Value}");
            try
            {
                Orders.Fail();
            }
            catch (FormatException exception)
            {
                Console.WriteLine(exception.StackTrace!.Split('\n')[0].Split('/')[^1]);
            }

            ticker.Kill();
        });

        void Step(string name, Action action)
        {
            ticks = 0;
            action();
            Console.WriteLine($"{name}: {(ticks > 0 ? "parked" : "blocked")}");
        }

        // When the ticker has gone on, or will not.
        void Later(Action action) => ThreadPool.QueueUserWorkItem(_ =>
        {
            for (int i = 0; i < 500 && Volatile.Read(ref ticks) == 0; i++)
            {
                Thread.Sleep(20);
            }

            action();
        });

        [GreenletTwin(typeof(Printer))]
        public static class PrinterTwin
        {
            public static void Print(Printer self, int count) => self.Print(count * 2);
        }
        """;

    private const string Expected =
        """
        library: parked
        own: parked
        delegate: parked
        virtual delegate: parked
        generic: parked
        twin of the user's: 10
        base: 2
        lock: True
        thread statics: 000 000 0 0, 111 111 4 2, 222 222 8 2
        generic: 2 11 1
        Orders.cs:line 16
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("weave-").FullName;

    [Fact]
    public void A_program_is_built_again_only_if_something_changed_and_published_as_a_single_file()
    {
        WriteProgram("<SelfContained>false</SelfContained><PublishSingleFile>true</PublishSingleFile>");

        string first = Dotnet("build", "-c", "Release");
        Assert.Contains("Library: ", first, StringComparison.Ordinal);
        Assert.Contains("App: ", first, StringComparison.Ordinal);
        Assert.Equal(Expected.ReplaceLineEndings(), Run("bin/Release/net10.0/App.dll"));
        string report = File.ReadAllText(Path.Combine(_folder, "App/obj/Release/net10.0/greenlet/Library.weave.txt"));
        Assert.Contains("rewritten\tSystem.Threading.Thread::Sleep(,System.Int32)\tShop.Orders::Wait()\tOrders.cs:9", report, StringComparison.Ordinal);
        Assert.Contains("It is a call of the method of the base class.", report, StringComparison.Ordinal);

        string second = Dotnet("publish", "-c", "Release", "-o", "out");
        Assert.DoesNotContain("Library: ", second, StringComparison.Ordinal);
        Assert.DoesNotContain("App: ", second, StringComparison.Ordinal);
        Assert.Equal(Expected.ReplaceLineEndings(), Run("out/App" + (OperatingSystem.IsWindows() ? ".exe" : string.Empty)));
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder, "App/out"), "Library.dll"));
    }

    [Fact]
    public void Values_of_threads_become_those_of_greenlets_where_all_code_that_uses_them_is_woven_so()
    {
        const string library =
            """
            using System.Reflection;
            using System.Text;
            namespace Shop;
            public static class Fields
            {
                [ThreadStatic] public static int Reached;
                [ThreadStatic] public static int Free;
                [ThreadStatic] private static int t_looked;
                [ThreadStatic] private static StringBuilder? t_builder;
                public static string Next() => $"{++Reached}{++Free}{++t_looked}{Look()}";
                public static string Write(int number)
                {
                    StringBuilder builder = (t_builder ??= new StringBuilder()).Clear();
                    for (int i = 0; i < 3; i++)
                    {
                        builder.Append(number);
                        Thread.Yield();
                    }
                    return t_builder.ToString();
                }
                private static object? Look() => typeof(Fields).GetField("t_looked", BindingFlags.NonPublic | BindingFlags.Static)!.GetValue(null);
            }
            """;
        const string program =
            """
            using NativeGreenlet.Cooperative;
            using Shop;
            Fields.Free = 7;
            Hub.Run(() =>
            {
                Console.WriteLine($"next: {Hub.Spawn(Fields.Next).Result} {Hub.Spawn(Fields.Next).Result} {Other.Reached()} {Fields.Free}");
                GreenTask<string>[] texts = [.. Enumerable.Range(1, 3).Select(i => Hub.Spawn(() => Fields.Write(i)))];
                Console.WriteLine($"text: {string.Join(' ', texts.Select(text => text.Result))}");
            });
            Console.WriteLine($"thread: {Fields.Free}");
            """;
        Write("Other/Other.cs", "namespace Shop; public static class Other { public static int Reached() => Fields.Reached; }");
        Write("Other/Other.csproj", Project(string.Empty, """<ProjectReference Include="../Library/Library.csproj" />"""));
        WriteProgram(string.Empty, library, program, """<ProjectReference Include="../Other/Other.csproj" />""");
        string report = Path.Combine(_folder, "App/obj/Release/net10.0/greenlet/Library.weave.txt");

        Dotnet("build", "-c", "Release", "-p:GreenletWeaveThreadLocals=true");
        RequireRun("next: 1111 2122 2 0\ntext: 111 222 333\nthread: 7");
        string text = File.ReadAllText(report);
        Assert.Contains("rewritten\tShop.Fields::t_builder\tShop.Fields::Write(System.Int32)\tFields.cs:13", text, StringComparison.Ordinal);
        Assert.Contains("rewritten\tShop.Fields::Free\t", text, StringComparison.Ordinal);
        Assert.Contains("kept\tShop.Fields::Reached\tShop.Fields::Next()\tFields.cs:10\tOther uses its field, and is not woven with GreenletWeaveThreadLocals.", text, StringComparison.Ordinal);
        Assert.Contains("kept\tShop.Fields::t_looked\tShop.Fields::Next()\tFields.cs:10\tIts field is reached by reflection too, which is not rewritten.", text, StringComparison.Ordinal);
        Assert.Contains("rewritten\tShop.Fields::Free\t", File.ReadAllText(report.Replace("Library.weave.txt", "App.weave.txt", StringComparison.Ordinal)), StringComparison.Ordinal);

        // Other options weave again.
        Dotnet("build", "-c", "Release", "-p:GreenletWeaveThreadLocals=true", "-p:GreenletWeaveProject=false");
        RequireRun("next: 1811 2922 2 9\ntext: 111 222 333\nthread: 9");
        Assert.Contains("kept\tShop.Fields::Free\tShop.Fields::Next()\tFields.cs:10\tCode of the project may use its field, and is not woven. Set GreenletWeaveProject.", File.ReadAllText(report), StringComparison.Ordinal);

        // Without, tasks write into each other's text.
        Dotnet("build", "-c", "Release");
        RequireRun("next: 1811 2922 2 9\ntext: 3123123 3123123 3123123\nthread: 9");
        Assert.DoesNotContain("Shop.Fields::", File.ReadAllText(report).Replace("\tShop.Fields::Write(System.Int32)\t", "\t", StringComparison.Ordinal), StringComparison.Ordinal);

        void RequireRun(string expected)
        {
            string output = Run("bin/Release/net10.0/App.dll").ReplaceLineEndings("\n");
            if (GreenletRuntime.Backend != GreenletBackend.Threads) // where a value of the thread is the greenlet's anyway
            {
                Assert.Equal(expected, output);
            }
        }
    }

    [Fact]
    public void A_trimmed_program_parks()
    {
        WriteProgram("<SelfContained>true</SelfContained><PublishTrimmed>true</PublishTrimmed><PublishSingleFile>true</PublishSingleFile>");

        Dotnet("publish", "-c", "Release", "-o", "out");

        RequireOutput(Run("out/App" + (OperatingSystem.IsWindows() ? ".exe" : string.Empty)));
    }

    [Fact]
    public void A_program_that_was_compiled_ahead_parks_and_is_compiled_again_when_its_library_changes()
    {
        WriteProgram("<SelfContained>false</SelfContained><PublishReadyToRun>true</PublishReadyToRun>");

        Dotnet("publish", "-c", "Release", "-o", "out");
        RequireCompiledAhead("App/out/App.dll", isWoven: true);
        RequireCompiledAhead("App/out/Library.dll", isWoven: true);
        RequireOutput(Run("out/App" + (OperatingSystem.IsWindows() ? ".exe" : string.Empty)));

        Write("Library/Orders.cs", Library.Replace("number * 2", "number * 3", StringComparison.Ordinal));
        Dotnet("publish", "-c", "Release", "-o", "out");
        RequireCompiledAhead("App/out/Library.dll", isWoven: true);
        Assert.Contains("111 111 4 3", Run("out/App" + (OperatingSystem.IsWindows() ? ".exe" : string.Empty)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_was_compiled_ahead_as_one_image_parks()
    {
        WriteProgram("<SelfContained>true</SelfContained><PublishReadyToRun>true</PublishReadyToRun><PublishReadyToRunComposite>true</PublishReadyToRunComposite><PublishTrimmed>true</PublishTrimmed>");

        Dotnet("publish", "-c", "Release", "-o", "out");

        Assert.NotEmpty(Directory.GetFiles(Path.Combine(_folder, "App/out"), "*.r2r.*"));
        RequireOutput(Run("out/App" + (OperatingSystem.IsWindows() ? ".exe" : string.Empty)));
    }

    [Fact]
    public void What_a_library_was_compiled_to_ahead_is_dropped_when_it_is_woven()
    {
        WriteProgram(string.Empty);
        Dotnet("publish", "../Library", "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "--self-contained", "false", "-p:PublishReadyToRun=true", "-o", "../ready");
        RequireCompiledAhead("ready/Library.dll", isWoven: false);
        string project = Path.Combine(_folder, "App/App.csproj");
        File.WriteAllText(project, File.ReadAllText(project).Replace(
            """<ProjectReference Include="../Library/Library.csproj" />""",
            """<Reference Include="Library"><HintPath>../ready/Library.dll</HintPath></Reference>""",
            StringComparison.Ordinal));

        Dotnet("build", "-c", "Release");

        Assert.False(IsCompiledAhead("App/bin/Release/net10.0/Library.dll"));
        Assert.Equal(Expected.ReplaceLineEndings(), Run("bin/Release/net10.0/App.dll"));
    }

    [ServerFact("postgres", "postgresql")]
    public async Task Npgsql_parks_in_programs_that_were_compiled_ahead_or_trimmed()
    {
        const string program =
            """
            using NativeGreenlet.Cooperative;
            using Npgsql;
            using NpgsqlDataSource source = new NpgsqlSlimDataSourceBuilder(args[0] + ";Maximum Pool Size=30").Build();
            Hub.Run(() =>
            {
                using NpgsqlConnection locker = source.OpenConnection();
                Query(locker, "select pg_advisory_lock(1)");
                GreenTask<object?>[] tasks = [.. Enumerable.Range(0, 20).Select(i => Hub.Spawn(() =>
                {
                    using NpgsqlConnection connection = source.OpenConnection();
                    Query(connection, "select pg_advisory_lock_shared(1)");
                    return Query(connection, $"select {i}");
                }))];
                while ((long)Query(locker, "select count(*) from pg_stat_activity where wait_event = 'advisory'")! < tasks.Length)
                {
                    Hub.Yield();
                }

                Query(locker, "select pg_advisory_unlock(1)");
                Console.WriteLine($"sum: {tasks.Sum(task => (int)task.Result!)}");
            });

            static object? Query(NpgsqlConnection connection, string text)
            {
                using NpgsqlCommand command = new(text, connection);
                return command.ExecuteScalar();
            }
            """;
        using LocalServer server = await PostgresServer.StartAsync();
        string version = typeof(Npgsql.NpgsqlConnection).Assembly.GetName().Version!.ToString(3);
        WriteProgram("<GreenletWeaveThreadLocals>true</GreenletWeaveThreadLocals>", Library, program, $"""<PackageReference Include="Npgsql" Version="{version}" /><GreenletWeave Include="Npgsql" />""");

        Dotnet("publish", "-c", "Release", "-o", "../ready", "-p:SelfContained=false", "-p:PublishReadyToRun=true");
        RequireCompiledAhead("ready/Npgsql.dll", isWoven: true);
        Assert.Equal("sum: 190", Run("../ready/App", PostgresServer.ConnectionString(server)));

        Dotnet("publish", "-c", "Release", "-o", "../trimmed", "-p:SelfContained=true", "-p:PublishTrimmed=true", "-p:PublishSingleFile=true");
        Assert.Equal("sum: 190", Run("../trimmed/App", PostgresServer.ConnectionString(server)));
    }

    [Fact]
    public void A_program_that_NativeAOT_compiled_parks()
    {
        WriteProgram("<PublishAot>true</PublishAot>");

        Dotnet("publish", "-c", "Release", "-o", "out");

        RequireOutput(Run("out/App" + (OperatingSystem.IsWindows() ? ".exe" : string.Empty)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // All but the last line: symbols are not published with it.
    private static void RequireOutput(string output)
    {
        string[] lines = Expected.ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(lines[..^1], output.ReplaceLineEndings("\n").Split('\n')[..(lines.Length - 1)]);
    }

    private void WriteProgram(string properties) =>
        WriteProgram($"<GreenletWeaveThreadLocals>true</GreenletWeaveThreadLocals>{properties}", Library, Program, string.Empty);

    private void WriteProgram(string properties, string library, string program, string items)
    {
        Write("Directory.Build.props", "<Project />");
        Write("Directory.Packages.props", "<Project />");
        Write(library == Library ? "Library/Orders.cs" : "Library/Fields.cs", library);
        Write("Library/Library.csproj", Project("<AllowUnsafeBlocks>true</AllowUnsafeBlocks>", string.Empty));
        Write("App/Program.cs", program);
        Write("App/App.csproj", Project(
            $"""
            <OutputType>Exe</OutputType>
            <GreenletWeaveProject>true</GreenletWeaveProject>
            <RuntimeIdentifier>$(NETCoreSdkRuntimeIdentifier)</RuntimeIdentifier>
            <AppendRuntimeIdentifierToOutputPath>false</AppendRuntimeIdentifierToOutputPath>
            {properties}
            """,
            $"""
            <ProjectReference Include="../Library/Library.csproj" />
            <GreenletWeave Include="Library" />
            {items}
            {string.Concat(new[] { "NativeGreenlet", "NativeGreenlet.Cooperative", "NativeGreenlet.Weaving.Runtime" }.Select(name =>
                $"""<Reference Include="{name}"><HintPath>{AppContext.BaseDirectory}{name}.dll</HintPath></Reference>"""))}
            <None Include="{AppContext.BaseDirectory}*nativegreenlet.*" Exclude="{AppContext.BaseDirectory}*.dll" CopyToOutputDirectory="PreserveNewest" Visible="false" />
            <None Include="{AppContext.BaseDirectory}nativegreenlet.dll" Condition="Exists('{AppContext.BaseDirectory}nativegreenlet.dll')" CopyToOutputDirectory="PreserveNewest" Visible="false" />
            """));
    }

    private static string Project(string properties, string items) =>
        $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
            <InvariantGlobalization>true</InvariantGlobalization>
            <DebugType>portable</DebugType>
            <Optimize>false</Optimize>
            <GreenletWeavingTasks>{AppContext.BaseDirectory}NativeGreenlet.Weaving.dll</GreenletWeavingTasks>
            {properties}
          </PropertyGroup>
          <ItemGroup>{items}</ItemGroup>
          <Import Project="{AppContext.BaseDirectory}Targets/NativeGreenlet.Weaving.targets" />
        </Project>
        """;

    private void Write(string file, string text)
    {
        string path = Path.Combine(_folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private string Dotnet(params string[] arguments) =>
        Start("dotnet", [.. arguments, "--nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-tl:off", "-v:m"]);

    private string Run(string file, params string[] arguments) => file.EndsWith(".dll", StringComparison.Ordinal)
        ? Start("dotnet", [Path.Combine(_folder, "App", file), .. arguments])
        : Start(Path.Combine(_folder, "App", file), arguments);

    private void RequireCompiledAhead(string file, bool isWoven)
    {
        Assert.True(IsCompiledAhead(file), $"{file} is not compiled ahead.");
        Assert.Equal(isWoven, AssemblyWeaver.IsWoven(Path.Combine(_folder, file)));
    }

    private bool IsCompiledAhead(string file)
    {
        using PEReader reader = new(File.OpenRead(Path.Combine(_folder, file)));
        return reader.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size != 0;
    }

    private string Start(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = Path.Combine(_folder, "App"), RedirectStandardOutput = true };
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {output}");
        return output.ReplaceLineEndings().TrimEnd();
    }
}
