using NativeGreenlet.Build;

namespace NativeGreenlet.Tests.Platforms;

/// <summary><c>./build.sh test NAME</c> finds in the sources what a name means.</summary>
public sealed class TestSelectionTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("selection");

    public TestSelectionTests()
    {
        Write("tests/A.Tests/A.Tests.csproj", "<IsTestProject>true</IsTestProject>");
        Write("tests/A.Tests/Hubs/HubTests.cs", """
            namespace A.Tests.Hubs;

            public class HubTests
            {
                [Fact]
                public void A_hub_ends() { }

                [Trait("Row", "39")]
                [Fact]
                public async Task A_hub_begins() { }
            }
            """);
        Write("tests/B.Tests/B.Tests.csproj", "<IsTestProject>true</IsTestProject>");
        Write("tests/B.Tests/Clients/RedisTests.cs", "namespace B.Tests.Clients;\n\npublic class RedisTests\n{\n    [Fact]\n    public void It_works() { }\n}\n");
        Write("tests/common/Helper.cs", "namespace Common;\n\npublic class Helper\n{\n}\n");
        Write("native/tests/test_segments.c", "TEST(starts)\n{\n}\n");
    }

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData("HubTests", "FullyQualifiedName~A.Tests.Hubs.HubTests.")]
    [InlineData("Hubs", "FullyQualifiedName~A.Tests.Hubs.")]
    [InlineData("A.Tests", "FullyQualifiedName~A.Tests.")]
    [InlineData("A_hub_begins", "FullyQualifiedName=A.Tests.Hubs.HubTests.A_hub_begins")]
    [InlineData("HubTests.A_hub_ends", "FullyQualifiedName=A.Tests.Hubs.HubTests.A_hub_ends")]
    public void A_name_selects_one_project_and_exactly_what_it_names(string name, string filter)
    {
        TestSelection selection = TestSelection.Of([name], _root.FullName);

        Assert.Equal("A.Tests", Path.GetFileNameWithoutExtension(Assert.Single(selection.Projects)));
        Assert.Equal(filter, selection.Filter);
        Assert.Empty(selection.Installations);
        Assert.Empty(selection.NativeTests);
    }

    [Fact]
    public void A_class_in_a_sample_is_no_class_of_tests()
    {
        Write("tests/B.Tests/SampleTests.cs", "namespace B.Tests;\n\npublic class SampleTests\n{\n    [Fact]\n    public void It_reads() => Read(\"\"\"\n        public class HubTests\n        \"\"\");\n}\n");

        Assert.Equal("A.Tests", Path.GetFileNameWithoutExtension(Assert.Single(TestSelection.Of(["HubTests"], _root.FullName).Projects)));
    }

    [Fact]
    public void Servers_are_installed_only_for_what_needs_them() =>
        Assert.Equal(["servers"], TestSelection.Of(["RedisTests"], _root.FullName).Installations);

    [Theory]
    [InlineData("FullyQualifiedName~HubTests", 1)]
    [InlineData("Row=39", 1)]
    [InlineData("FullyQualifiedName!~HubTests", 2)]
    [InlineData("Row=40", 2)]
    public void A_filter_selects_the_projects_that_have_its_words_and_all_when_none_has(string filter, int projects) =>
        Assert.Equal(projects, TestSelection.OfFilter(filter, _root.FullName).Projects.Length);

    [Theory]
    [InlineData("test_segments", "^test_segments[.]")]
    [InlineData("starts", "^test_segments[.].*starts$")]
    public void C_tests_have_names_too(string name, string pattern)
    {
        TestSelection selection = TestSelection.Of([name], _root.FullName);

        Assert.Equal([pattern], selection.NativeTests);
        Assert.Empty(selection.Projects);
    }

    [Theory]
    [InlineData("Hub")]
    [InlineData("Helper")]
    [InlineData("hubtests")]
    public void What_names_nothing_is_refused(string name) =>
        Assert.Contains(name, Assert.Throws<StopException>(() => TestSelection.Of([name], _root.FullName)).Message, StringComparison.Ordinal);

    private void Write(string path, string text)
    {
        string file = Path.Combine(_root.FullName, path);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
