-- A blog as Django makes it: join tables have an id of their own, and comments are on rows of several kinds.
CREATE TABLE django_content_type (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT, app_label varchar(100) NOT NULL, model varchar(100) NOT NULL,
  UNIQUE (app_label, model)
);
CREATE TABLE auth_group (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, name varchar(150) NOT NULL UNIQUE);
CREATE TABLE auth_user (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT, username varchar(150) NOT NULL UNIQUE, email varchar(254) NOT NULL,
  is_staff bool NOT NULL, date_joined datetime NOT NULL
);
CREATE TABLE auth_user_groups (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  user_id integer NOT NULL REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED,
  group_id integer NOT NULL REFERENCES auth_group (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX auth_user_groups_uniq ON auth_user_groups (user_id, group_id);
CREATE TABLE blog_tag (slug varchar(50) NOT NULL PRIMARY KEY, name varchar(50) NOT NULL);
CREATE TABLE blog_post (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT, author_id integer NOT NULL REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED,
  title varchar(200) NOT NULL, slug varchar(50) NOT NULL UNIQUE, body text NOT NULL, published datetime NULL
);
CREATE TABLE blog_post_tags (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  post_id integer NOT NULL REFERENCES blog_post (id) DEFERRABLE INITIALLY DEFERRED,
  tag_id varchar(50) NOT NULL REFERENCES blog_tag (slug) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX blog_post_tags_uniq ON blog_post_tags (post_id, tag_id);
CREATE TABLE blog_comment (
  id integer NOT NULL PRIMARY KEY AUTOINCREMENT, content_type_id integer NOT NULL REFERENCES django_content_type (id),
  object_pk text NOT NULL, user_id integer NULL REFERENCES auth_user (id), comment text NOT NULL
);
