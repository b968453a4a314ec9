"""What a person takes along: pictures, pages, numbers, films."""
