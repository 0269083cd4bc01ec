using System.Diagnostics;

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
    public void A_trimmed_program_parks()
    {
        WriteProgram("<SelfContained>true</SelfContained><PublishTrimmed>true</PublishTrimmed><PublishSingleFile>true</PublishSingleFile>");

        Dotnet("publish", "-c", "Release", "-o", "out");

        RequireOutput(Run("out/App" + (OperatingSystem.IsWindows() ? ".exe" : string.Empty)));
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

    private void WriteProgram(string properties)
    {
        Write("Directory.Build.props", "<Project />");
        Write("Directory.Packages.props", "<Project />");
        Write("Library/Orders.cs", Library);
        Write("Library/Library.csproj", Project(string.Empty, string.Empty));
        Write("App/Program.cs", Program);
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

    private string Run(string file) => file.EndsWith(".dll", StringComparison.Ordinal)
        ? Start("dotnet", [Path.Combine(_folder, "App", file)])
        : Start(Path.Combine(_folder, "App", file), []);

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
