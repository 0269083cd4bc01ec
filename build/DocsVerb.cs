namespace NativeGreenlet.Build;

/// <summary><c>docs</c>: the guides of docs/ and the API reference, as pages. A link that leads nowhere, or a reference in a comment,
/// is an error.</summary>
internal static class DocsVerb
{
    private const string Manifest = "docs/site/.config/dotnet-tools.json";

    public static int Run()
    {
        Toolchain.Current.Need();
        Native.BuildLibrary();
        Managed.Build("src/NativeGreenlet.Akka/NativeGreenlet.Akka.csproj");
        Managed.Build("src/NativeGreenlet.AspNetCore/NativeGreenlet.AspNetCore.csproj");
        Managed.Build("src/NativeGreenlet.Hosting/NativeGreenlet.Hosting.csproj");
        Managed.Build("src/NativeGreenlet.Orleans/NativeGreenlet.Orleans.csproj");
        Managed.Build("src/NativeGreenlet.Polly/NativeGreenlet.Polly.csproj");
        Terminal.Say($"Restoring docfx ({Manifest})");
        if (!Shell.Logged("tool", "dotnet", ["tool", "restore", "--tool-manifest", Manifest]))
        {
            throw new StopException("the package source of this machine does not have docfx");
        }

        Terminal.Say("docfx");
        if (Directory.Exists("artifacts/docs"))
        {
            Directory.Delete("artifacts/docs", recursive: true);
        }

        // Where the manifest lies that names its version.
        if (!Shell.Logged("docs", "dotnet", ["tool", "run", "docfx", "../../docfx.json", "--warningsAsErrors"], "docs/site"))
        {
            throw new StopException("the pages could not be made: artifacts/log/docs.log");
        }

        int pages = Directory.EnumerateFiles("artifacts/docs/site", "*.html", SearchOption.AllDirectories).Count();
        Terminal.Say($"Done: artifacts/docs/site, {pages} pages; begin with index.html");
        return 0;
    }
}
