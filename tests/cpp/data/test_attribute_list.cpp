#include <catch2/catch.hpp>

#include <torch/torch.h>

#include <chrono>

#include "secgan/core/error.hpp"
#include "secgan/data/attribute_list.hpp"
#include "secgan/data/photo_names.hpp"
#include "temporary_folder.hpp"

using namespace secgan;
using namespace secgan::testing;
using namespace std::string_literals;

namespace {

/// What every form below says: a.jpg is not Bald but Smiling, b.jpg the reverse, c.jpg both.
void check_forms(const std::vector<std::pair<std::string, std::string>>& forms) {
  const TemporaryFolder folder;
  for (const auto& [name, bytes] : forms) {
    INFO(name);
    const AttributeList list = read_attribute_list(folder.write("list.txt", bytes));
    CHECK(list.attributes == std::vector<std::string>{"Bald", "Smiling"});
    CHECK(list.photos == std::vector<std::string>{"a.jpg", "b.jpg", "c.jpg"});
    CHECK(at::equal(list.labels, torch::tensor({{0.0f, 1.0f}, {1.0f, 0.0f}, {1.0f, 1.0f}})));
    CHECK(list.notes.empty());
  }
}

/// @param marked  with a byte-order mark
std::string utf16(const std::u16string& text, bool big) {
  std::string bytes;
  for (const char16_t unit : u"\ufeff" + text) {
    const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 255);
    bytes += big ? high : low;
    bytes += big ? low : high;
  }
  return bytes;
}

}  // namespace

TEST_CASE("a list says the same in every form in which it is handed around", "[data][lists]") {
  check_forms({
      {"CelebA's", "3\nBald Smiling \na.jpg -1  1\nb.jpg  1 -1\nc.jpg  1  1\n"},
      {"CRLF, no final newline", "3\r\nBald Smiling\r\na.jpg -1 1\r\nb.jpg 1 -1\r\nc.jpg 1 1"},
      {"line ends of old spreadsheets", "3\rBald Smiling\ra.jpg -1 1\rb.jpg 1 -1\rc.jpg 1 1\r"},
      {"without the number of rows", "Bald Smiling\na.jpg -1 1\nb.jpg 1 -1\nc.jpg 1 1\n"},
      {"tabs", "3\nBald\tSmiling\na.jpg\t-1\t1\nb.jpg\t1\t-1\nc.jpg\t1\t1\n"},
      {"tabs and spaces", "3\nBald\tSmiling \na.jpg\t-1 1\nb.jpg 1\t-1\nc.jpg  1 \t1\n"},
      {"non-breaking spaces", "3\nBald\u00a0Smiling\na.jpg\u00a0-1 1\u00a0\n\u00a0b.jpg 1\u00a0-1\nc.jpg 1 1\n"},
      {"blank and comment lines", "\n# from 2015\n3\n\n# names\nBald Smiling\n  \na.jpg -1 1\n#b.jpg -1 -1\nb.jpg 1 -1\n\nc.jpg 1 1\n\n"},
      {"Kaggle's", "image_id,Bald,Smiling\r\na.jpg,-1,1\r\nb.jpg,1,-1\r\nc.jpg,1,1"},
      {"0 and 1", "image_id,Bald,Smiling\na.jpg,0,1\nb.jpg,1,0\nc.jpg,1,1\n"},
      {"signs, blanks", "image_id, Bald , Smiling\na.jpg, -1, +1\nb.jpg ,+1,-1\n c.jpg,+1 ,+1\n"},
      {"words", "image_id,Bald,Smiling\na.jpg,False,True\nb.jpg,True,False\nc.jpg,TRUE,true\n"},
      {"one column each", "image_id,Bald,Smiling\na.jpg,0,True\nb.jpg,1,False\nc.jpg,1,True\n"},
      {"floats", "image_id,Bald,Smiling\na.jpg,-1.0,1.0\nb.jpg,1.0,0.0\nc.jpg,1.0,1.0\n"},
      {"pandas' index", ",image_id,Bald,Smiling\n0,a.jpg,-1,1\n1,b.jpg,1,-1\n2,c.jpg,1,1\n"},
      {"pandas' index, saved again", "Unnamed: 0,image_id,Bald,Smiling\n0,a.jpg,-1,1\n1,b.jpg,1,-1\n2,c.jpg,1,1\n"},
      {"pandas' index of names", ",Bald,Smiling\na.jpg,-1,1\nb.jpg,1,-1\nc.jpg,1,1\n"},
      {"pandas' index before an unknown heading", ",who,Bald,Smiling\n0,a.jpg,-1,1\n1,b.jpg,1,-1\n2,c.jpg,1,1\n"},
      {"pandas' to_string", "  image_id  Bald  Smiling\n0    a.jpg    -1        1\n1    b.jpg     1       -1\n2    c.jpg     1        1\n"},
      {"pandas with spaces", "\"\" image_id Bald Smiling\n0 a.jpg -1 1\n1 b.jpg 1 -1\n2 c.jpg 1 1\n"},
      {"the photo last", "Bald,Smiling,filename\n-1,1,a.jpg\n1,-1,b.jpg\n1,1,c.jpg\n"},
      {"CelebA's in CSV", "3\nBald,Smiling\na.jpg,-1,1\nb.jpg,1,-1\nc.jpg,1,1\n"},
      {"a spreadsheet's rectangle", "3,,\nBald,Smiling,\na.jpg,-1,1\nb.jpg,1,-1\nc.jpg,1,1\n,,\n"},
      {"semicolons", "image_id;Bald;Smiling\na.jpg;-1;1\nb.jpg;1;-1\nc.jpg;1;1\n"},
      {"quotes", "\"image_id\",\"Bald\",\"Smiling\"\n\"a.jpg\",\"-1\",\"1\"\n\"b.jpg\" , 1,-1\nc.jpg,1,1\n"},
      {"UTF-8 with its mark",
       "\xef\xbb\xbf"
       "3\nBald Smiling\na.jpg -1 1\nb.jpg 1 -1\nc.jpg 1 1\n"},
      {"marked files joined",
       "3\nBald Smiling\na.jpg -1 1\n\xef\xbb\xbf"
       "b.jpg 1 -1\nc.jpg 1 1\n"},
      {"UTF-16, little end first", utf16(u"image_id\tBald\tSmiling\r\na.jpg\t-1\t1\r\nb.jpg\t1\t-1\r\nc.jpg\t1\t1\r\n", false)},
      {"UTF-16, big end first", utf16(u"3\nBald Smiling\na.jpg -1 1\nb.jpg 1 -1\nc.jpg 1 1\n", true)},
      {"names as Windows writes them", "3\nBald Smiling\n.\\a.jpg -1 1\n./b.jpg 1 -1\nc.jpg 1 1\n"},
  });
}

TEST_CASE("names keep their spaces, quotes and letters", "[data][lists]") {
  const TemporaryFolder folder;
  const std::vector<std::string> names{"my photo (1).jpg", "Grüße 顔.jpg"};
  for (const std::string& list : {"2\nBald Smiling\nmy photo (1).jpg -1 1\nGrüße 顔.jpg  1 -1\n"s,
                                  "image_id Bald Smiling\n\"my photo (1).jpg\" -1 1\nGrüße 顔.jpg 1 -1\n"s,
                                  "image_id,Bald,Smiling\nmy photo (1).jpg,-1,1\n\"Grüße 顔.jpg\",1,-1\n"s,
                                  utf16(u"image_id;Bald;Smiling\nmy photo (1).jpg;-1;1\nGrüße 顔.jpg;1;-1\n", false)}) {
    CHECK(read_attribute_list(folder.write("list", list)).photos == names);
  }
  const auto read = [&](const std::string& list) { return read_attribute_list(folder.write("list", list)).photos; };
  CHECK(read("name,Bald\n\"a \"\"b\"\", c.jpg\",1\n\"#1.jpg\",0\n") == std::vector<std::string>{"a \"b\", c.jpg", "#1.jpg"});
  CHECK(read("name,Bald\nx\\y\\a.jpg,1\n") == std::vector<std::string>{"x/y/a.jpg"});
  CHECK(read(utf16(u"name,Bald\n\U0001f600.jpg,1\n", true)) == std::vector<std::string>{"\xf0\x9f\x98\x80.jpg"});
  CHECK(read("1\nBald\n000001 1\n") == std::vector<std::string>{"000001"});
}

TEST_CASE("attributes are chosen by name, columns that are not asked for may hold anything", "[data][lists]") {
  const TemporaryFolder folder;
  const auto file = folder.write("list.csv", "split,filename,Age,Male,Smiling\ntrain,a.jpg,41,1,0\ntest,b.jpg,,0,1\n");
  const AttributeList list = read_attribute_list(file, std::vector<std::string>{"Smiling", "Male"});
  CHECK(list.photos == std::vector<std::string>{"a.jpg", "b.jpg"});
  CHECK(at::equal(list.labels, torch::tensor({{0.0f, 1.0f}, {1.0f, 0.0f}})));
  CHECK(list.row(1) == NamedLabels{{"Smiling", true}, {"Male", false}});
  CHECK_THROWS_WITH(read_attribute_list(file), Catch::Contains("list.csv:2: label '41' of Age"));
  CHECK_THROWS_AS(read_attribute_list(file, std::vector<std::string>{"Beard"}), InvalidArgument);
  CHECK_THROWS_WITH(read_attribute_list(file, std::vector<std::string>{"Beard"}), Catch::Contains("split, Age, Male, Smiling"));
  CHECK(read_attribute_list(file, std::vector<std::string>{}).labels.sizes() == at::IntArrayRef({2, 0}));
}

TEST_CASE("a list's own number of rows is compared, and what stands twice", "[data][lists]") {
  const TemporaryFolder folder;
  const auto notes = [&](const std::string& list) { return read_attribute_list(folder.write("list.txt", list)).notes; };
  CHECK(notes("2\nBald\na.jpg 1\nb.jpg 1\n").empty());
  for (const auto& [list, rows] : {std::pair{"202599\nBald\na.jpg 1\n"s, "announces 202599 photos, it has rows for 1"s},
                                   {"1\nBald\na.jpg 1\nb.jpg 1\n"s, "announces 1 photo, it has rows for 2"s},
                                   {"3\nBald\n"s, "announces 3 photos, it has rows for 0"s}}) {
    REQUIRE(notes(list).size() == 1u);
    CHECK(notes(list)[0].wrong);
    CHECK_THAT(notes(list)[0].text, Catch::Contains("list.txt") && Catch::Contains(rows));
  }
  const auto repeated = notes("4\nBald\na.jpg 1\nb.jpg 1\na.jpg 1\na.jpg 1\n");
  REQUIRE(repeated.size() == 1u);
  CHECK_FALSE(repeated[0].wrong);
  CHECK_THAT(repeated[0].text, Catch::Contains("2 rows repeat"));
  CHECK(read_attribute_list(folder / "list.txt").photos == std::vector<std::string>{"a.jpg", "b.jpg"});
  CHECK_THROWS_WITH(notes("Bald\na.jpg 1\nb.jpg 1\n./a.jpg 0\n"), Catch::Contains("list.txt:4: 'a.jpg' has other labels in line 2"));
}

TEST_CASE("what is no list is refused by file and line", "[data][lists]") {
  const TemporaryFolder folder;
  for (const auto& [list, what] : std::vector<std::pair<std::string, std::string>>{
           {"", "is empty"},
           {"\n \n", "holds no row"},
           {"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head>\n<body>Sorry</body></html>", "HTML page"},
           {"version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, '0') + "\nsize 26721026\n", "Git LFS pointer"},
           {"PK\3\4" + std::string(60, '\0'), "zip archive"},
           {"9\n", "nothing follows"},
           {"000001.jpg -1 1\n000002.jpg 1 1\n", ":1: not an attribute list"},
           {"2\n000001.jpg -1 1\n000002.jpg 1 1\n", ":2: not an attribute list"},
           {"1\nBald Smiling\na.jpg 1\n", ":3: 2 cells"},  // cut within the first row: no heading for the photo
           {"Bald Smiling Young\na.jpg -1 1\n", ":2: 3 cells"},
           {"1\nBald Smiling\na.jpg 1 1 1\n", ":3: 4 cells"},
           {"image_id,Bald,Smiling\na.jpg,1,1\nb.jpg,1\n", ":3: 2 cells"},
           {"image_id,Bald,Smiling\na.jpg,1,\n", ":2: label '' of Smiling"},
           {"image_id,Bald,Smiling\na.jpg,1,nan\n", ":2: label 'nan' of Smiling"},
           {"image_id,Bald\na.jpg,-1\n\nb.jpg,1\nc.jpg,0\n", ":5: label '0' of Bald, where line 2 has -1"},
           {"image_id,Bald,Bald\na.jpg,1,1\n", "two columns are called 'Bald'"},
           {"image_id,Bald\n/etc/a.jpg,1\n", ":2: '/etc/a.jpg' is an absolute name"},
           {"image_id,Bald\nC:\\a.jpg,1\n", ":2: 'C:\\a.jpg' is an absolute name"},
           {"image_id,Bald\n\\\\host\\a.jpg,1\n", "is an absolute name"},
           {"image_id,Bald\n../a.jpg,1\n", ":2: '../a.jpg' leads out"},
           {"image_id,Bald\nx/../../a.jpg,1\n", "leads out"},
           {"image_id,Bald\nx\\..\\a.jpg,1\n", "leads out"},
           {"image_id,Bald\n..,1\n", "leads out"},
           {"image_id,Bald\nx/,1\n", "no photo's name"},
           {"image_id,Bald\n,1\n", ":2: the photo's name is empty"},
           {"image_id,Bald\n\"a.jpg,1\n", ":2: a quote is not closed"},
           {"image_id,Bald\n\"a\".jpg,1\n", ":2: text follows the quoted 'a'"},
           {"image_id,Bald\na.jpg,1\n\xfc.jpg,1\n", ":3: byte 0xfc is not UTF-8"},
           {"image_id,Bald\na\0.jpg,1\n"s, ":2: byte 0x00 is not UTF-8"},
           {"i\0d\0,\0B\0\n\0a\0,\0001\0\n\0"s, ":1: byte 0x00 is not UTF-8"},  // UTF-16 without its mark
           {"\xff\xfe"
            "a"s,
            "damaged UTF-16 at byte 2"},
           {"\xff\xfe"
            "a\0\x00\xd8"s,
            "damaged UTF-16 at byte 4"},
           {"\xff\xfe\0\0a\0\0\0"s, "UTF-32"},
       }) {
    INFO(list);
    const auto file = folder.write("list.txt", list);
    CHECK_THROWS_AS(read_attribute_list(file), Error);
    CHECK_THROWS_WITH(read_attribute_list(file), Catch::Contains("list.txt") && Catch::Contains(what));
  }
  CHECK_THROWS_AS(read_attribute_list(folder / "none.csv"), FileNotFound);
}

TEST_CASE("names are found as they are meant", "[data][lists]") {
  const PhotoNames flat({"000001.png", "000002.JPEG", "3.jpg", "3.png", "noending", "4.PNG", "4.jpeg"});
  CHECK(flat.find("000001.png") == 0u);
  CHECK(flat.find("000001.jpg") == 0u);
  CHECK(flat.find("000001") == 0u);
  CHECK(flat.find("000002.jpg") == 1u);
  CHECK(flat.find("3.jpg") == 2u);
  CHECK(flat.find("3.png") == 3u);
  CHECK(flat.find("noending") == 4u);
  CHECK(flat.find("img_align_celeba/3.jpg") == 2u);
  CHECK_FALSE(flat.find("1.jpg"));
  CHECK_FALSE(flat.find("000001.jpg.txt"));
  CHECK_THROWS_WITH(flat.find("4.jpg"), Catch::Contains("'4.jpg' may be '4.PNG' or '4.jpeg'"));

  const PhotoNames deep({"x/a.jpg", "x/b.jpg", "y/b.jpg", "b2.jpg", "y/b2.jpg"});
  CHECK(deep.find("x/a.jpg") == 0u);
  CHECK(deep.find("a.png") == 0u);
  CHECK(deep.find("data/y/b.png") == 2u);
  CHECK(deep.find("b2.jpg") == 3u);
  CHECK_FALSE(deep.find("y/a.jpg"));  // another person's
  CHECK_THROWS_AS(deep.find("b.jpg"), Error);
}

TEST_CASE("CelebA's own number of rows is read in no time", "[data][lists]") {
  std::string text = "202599\n";
  for (int a = 0; a < 40; ++a) text += "A" + std::to_string(a) + " ";
  text += "\n";
  for (int i = 1; i <= 202599; ++i) {
    std::string name = std::to_string(i);
    text += std::string(6 - name.size(), '0') + name + ".jpg";
    for (int a = 0; a < 40; ++a) text += (i + a) % 3 == 0 ? "  1" : " -1";
    text += "\n";
  }
  const TemporaryFolder folder;
  const auto file = folder.write("list_attr_celeba.txt", text);
  const auto begin = std::chrono::steady_clock::now();
  const AttributeList list = read_attribute_list(file);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  CHECK(list.labels.sizes() == at::IntArrayRef({202599, 40}));
  CHECK(list.labels.sum().item<int64_t>() == 202599 * 40 / 3);
  CHECK(seconds < 20);  // 0.5 on a free core: a quadratic reading takes minutes
}

TEST_CASE("a column that says the split is no attribute", "[data]") {
  const TemporaryFolder folder;
  const auto file = folder.write("list.csv", "image,partition,Bangs\na.jpg,0,1\nb.jpg,2,0\nc.jpg,1,0\n");
  CHECK(attribute_list_columns(file) == std::vector<std::string>{"Bangs"});
  const AttributeList list = read_attribute_list(file);
  CHECK(list.attributes == std::vector<std::string>{"Bangs"});
  CHECK((list.splits == std::vector<Split>{Split::kTrain, Split::kTest, Split::kValidation}));
  CHECK(read_attribute_list(folder.write("plain.csv", "image,Bangs\na.jpg,1\n")).splits.empty());
  const AttributeList folds = read_attribute_list(folder.write("folds.csv", "image,Bangs,split\na.jpg,1,train\nb.jpg,1,fold 3\n"));
  CHECK(folds.splits.empty());
  CHECK_THAT(folds.unread_split, Catch::EndsWith("folds.csv:3: split 'fold 3' is none of train, validation, test, or 0, 1, 2"));
  CHECK_THROWS_WITH(read_attribute_list(folder.write("two.csv", "image,Bangs,split,partition\na.jpg,1,train,2\n")),
                    Catch::Contains("columns 'split' and 'partition' both say a photo's split"));
  CHECK_THROWS_WITH(read_attribute_list(folder.write("twice.csv", "image,Bangs,split\na.jpg,1,train\na.jpg,1,test\n")),
                    Catch::Contains("twice.csv:3: 'a.jpg' is of another split in line 2"));
}
